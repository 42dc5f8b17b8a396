//! What was done to chunks before they were stored, undone.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::read::ReadError;
use crate::read::bytes::Bytes;

/// A step of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    /// zlib.
    Deflate,
    /// The first bytes of all elements, then the second ones, and so on.
    Shuffle {
        /// Bytes per element.
        element: usize,
    },
}

impl Filter {
    /// Reads the message of a pipeline, version 1 or 2.
    pub(crate) fn read_all(path: &str, mut bytes: Bytes<'_>) -> Result<Vec<Self>, ReadError> {
        const NAMED_FROM: u16 = 256;
        let start = bytes.offset();
        let (version, count) = (bytes.u8()?, bytes.u8()?);
        match version {
            1 => drop(bytes.take(6)?),
            2 => {}
            _ => return Err(ReadError::damaged(start, "a pipeline has a version that does not exist")),
        }
        let mut filters = Vec::new();
        for _ in 0..count {
            let id = bytes.u16()?;
            let name = if version == 1 || id >= NAMED_FROM { usize::from(bytes.u16()?) } else { 0 };
            bytes.u16()?;
            let values = usize::from(bytes.u16()?);
            bytes.take(if version == 1 { name.next_multiple_of(8) } else { name })?;
            let parameters = (0..values).map(|_| bytes.u32()).collect::<Result<Vec<_>, _>>()?;
            if version == 1 && values % 2 == 1 {
                bytes.u32()?;
            }
            filters.push(match (id, parameters.first()) {
                (1, _) => Self::Deflate,
                (2, Some(element)) if *element > 0 => Self::Shuffle { element: *element as usize },
                (2, _) => return Err(ReadError::damaged(start, "a shuffle does not say what it shuffles")),
                _ => {
                    let what = "a filter other than deflate and shuffle";
                    return Err(ReadError::Unsupported { path: path.to_owned(), what });
                }
            });
        }
        Ok(filters)
    }
}

/// Undoes `filters`, those with a bit in `skipped` excepted, and returns exactly `bytes` bytes.
pub(crate) fn undo(
    filters: &[Filter],
    skipped: u32,
    mut data: Vec<u8>,
    bytes: usize,
    address: u64,
) -> Result<Vec<u8>, ReadError> {
    for (place, filter) in filters.iter().enumerate().rev() {
        if skipped >> place.min(31) & 1 == 1 {
            continue;
        }
        data = match filter {
            Filter::Deflate => {
                let mut inflated = Vec::with_capacity(bytes);
                // One byte more than there may be shows that there is too much.
                ZlibDecoder::new(data.as_slice())
                    .take(bytes as u64 + 1)
                    .read_to_end(&mut inflated)
                    .map_err(|_| ReadError::damaged(address, "a chunk cannot be inflated"))?;
                inflated
            }
            Filter::Shuffle { element } => unshuffle(&data, *element),
        };
    }
    if data.len() == bytes {
        Ok(data)
    } else {
        Err(ReadError::damaged(address, "a chunk has another length"))
    }
}

/// Puts the bytes of each element beside each other again. What is no whole element stays at the end.
fn unshuffle(data: &[u8], element: usize) -> Vec<u8> {
    let count = data.len() / element;
    let mut result = vec![0; data.len()];
    for byte in 0..element.min(data.len()) {
        for index in 0..count {
            result[index * element + byte] = data[byte * count + index];
        }
    }
    result[count * element..].copy_from_slice(&data[count * element..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_undone() {
        assert_eq!(unshuffle(b"acebdf!", 2), b"abcdef!");
        assert_eq!(unshuffle(b"ab", 4), b"ab");
        assert_eq!(unshuffle(b"", 4), b"");
    }

    #[test]
    fn a_chunk_that_inflates_to_more_is_refused_without_inflating_it() {
        use std::io::Write;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 50_000_000]).unwrap();
        let bomb = encoder.finish().unwrap();
        let error = undo(&[Filter::Deflate], 0, bomb, 1000, 7).unwrap_err();
        assert!(error.to_string().contains("another length"), "{error}");
    }
}
