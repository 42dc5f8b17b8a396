//! Data in chunks, which a tree of nodes leads to.

use crate::Datatype;
use crate::read::bytes::Bytes;
use crate::read::filters::{Filter, undo};
use crate::read::{File, ReadError, Source};

/// How data are cut, and where the tree is.
#[derive(Debug)]
pub(crate) struct Chunked {
    pub(crate) tree: u64,
    /// The dimensions of a chunk.
    pub(crate) dimensions: Vec<u32>,
    pub(crate) filters: Vec<Filter>,
}

/// A chunk in the file.
struct Chunk {
    /// Its place among the chunks of the dataset, row by row.
    place: u64,
    address: u64,
    stored_bytes: u32,
    skipped_filters: u32,
}

/// Reads all data of a dataset whose size was checked against the limit.
///
/// Every chunk must be there: a file that leaves some out would be larger in memory than in the file at no cost.
pub(crate) fn read_chunked<S: Source>(
    file: &File<S>,
    path: &str,
    chunked: &Chunked,
    shape: &[u64],
    datatype: Datatype,
) -> Result<Vec<u8>, ReadError> {
    let damaged = |problem| ReadError::damaged(chunked.tree, problem);
    let counts: Vec<u64> = shape
        .iter()
        .zip(&chunked.dimensions)
        .map(|(dimension, chunk)| dimension.div_ceil(u64::from(*chunk)))
        .collect();
    let wanted = counts.iter().try_fold(1_u64, |count, n| count.checked_mul(*n));
    let chunk_bytes = chunked
        .dimensions
        .iter()
        .try_fold(datatype.bytes(), |bytes, dimension| bytes.checked_mul(u64::from(*dimension)))
        .filter(|bytes| u32::try_from(*bytes).is_ok());
    let (Some(wanted), Some(chunk_bytes)) = (wanted, chunk_bytes) else {
        return Err(damaged("a dataset has chunks larger than can be"));
    };
    let chunks = find(file, chunked, &counts, wanted)?;
    if chunks.len() as u64 != wanted {
        return Err(ReadError::Unsupported { path: path.to_owned(), what: "chunks that were never written" });
    }
    // Chunks that lie on each other would make much of little.
    let stored: u64 = chunks.iter().map(|chunk| u64::from(chunk.stored_bytes)).sum();
    file.check(0, stored)?;
    for chunk in &chunks {
        // No stream of deflate grows by more than this.
        const MOST_GROWTH: u64 = 1032;
        let plausible = if chunked.filters.contains(&Filter::Deflate) {
            (u64::from(chunk.stored_bytes) + 16) * MOST_GROWTH >= chunk_bytes
        } else {
            u64::from(chunk.stored_bytes) == chunk_bytes
        };
        if !plausible {
            return Err(ReadError::damaged(chunk.address, "a chunk is too short for what it should hold"));
        }
        file.check(chunk.address, u64::from(chunk.stored_bytes))?;
    }
    let total = shape.iter().product::<u64>() * datatype.bytes();
    let mut data = vec![0; total as usize];
    for chunk in chunks {
        let mut stored = vec![0; chunk.stored_bytes as usize];
        file.data(chunk.address, &mut stored)?;
        let plain =
            undo(&chunked.filters, chunk.skipped_filters, stored, chunk_bytes as usize, chunk.address)?;
        put(&mut data, &plain, chunk.place, &counts, &chunked.dimensions, shape, datatype.bytes() as usize);
    }
    Ok(data)
}

/// Finds the chunks of a dataset, which has `wanted` of them.
fn find<S: Source>(
    file: &File<S>,
    chunked: &Chunked,
    counts: &[u64],
    wanted: u64,
) -> Result<Vec<Chunk>, ReadError> {
    let rank = counts.len();
    let key_bytes = 8 + 8 * (rank + 1);
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut open: Vec<(u64, Option<u8>)> = vec![(chunked.tree, None)];
    while let Some((address, level)) = open.pop() {
        let text = file.metadata(address, 24)?;
        let mut bytes = Bytes::new(&text, address);
        bytes.expect(b"TREE\x01", "a node of chunks does not begin as one")?;
        let have = bytes.u8()?;
        if level.is_some_and(|level| level != have) {
            return Err(ReadError::damaged(address, "a node of chunks is on another level"));
        }
        let used = usize::from(bytes.u16()?);
        let text = file.metadata(address + 24, used * (key_bytes + 8))?;
        let mut bytes = Bytes::new(&text, address + 24);
        for _ in 0..used {
            let (stored_bytes, skipped_filters) = (bytes.u32()?, bytes.u32()?);
            let mut place = 0_u64;
            for (count, dimension) in counts.iter().zip(&chunked.dimensions) {
                let (offset, dimension) = (bytes.u64()?, u64::from(*dimension));
                if offset % dimension != 0 || offset / dimension >= *count {
                    return Err(ReadError::damaged(bytes.offset(), "a chunk lies outside of its dataset"));
                }
                // Below the number of chunks, which was computed without overflow.
                place = place * count + offset / dimension;
            }
            bytes.u64()?;
            let child = bytes.u64()?;
            match have.checked_sub(1) {
                Some(below) => open.push((child, Some(below))),
                None => chunks.push(Chunk { place, address: child, stored_bytes, skipped_filters }),
            }
            if chunks.len() as u64 > wanted {
                return Err(ReadError::damaged(address, "a dataset has more chunks than fit"));
            }
        }
    }
    chunks.sort_unstable_by_key(|chunk| chunk.place);
    if chunks.windows(2).any(|pair| pair[0].place == pair[1].place) {
        return Err(ReadError::damaged(chunked.tree, "a chunk is there twice"));
    }
    Ok(chunks)
}

/// Copies the part of a chunk that lies in the dataset to where it belongs, run by run of its last dimension.
fn put(
    data: &mut [u8],
    chunk: &[u8],
    mut place: u64,
    counts: &[u64],
    dimensions: &[u32],
    shape: &[u64],
    element: usize,
) {
    let rank = shape.len();
    let mut start = vec![0_usize; rank];
    for axis in (0..rank).rev() {
        start[axis] = (place % counts[axis]) as usize * dimensions[axis] as usize;
        place /= counts[axis];
    }
    let extent: Vec<usize> =
        (0..rank).map(|axis| (shape[axis] as usize - start[axis]).min(dimensions[axis] as usize)).collect();
    let run = extent[rank - 1] * element;
    let mut at = vec![0_usize; rank];
    loop {
        let (mut from, mut to) = (0, 0);
        for axis in 0..rank {
            from = from * dimensions[axis] as usize + at[axis];
            to = to * shape[axis] as usize + start[axis] + at[axis];
        }
        data[to * element..][..run].copy_from_slice(&chunk[from * element..][..run]);
        // The next run: count up all axes but the last.
        let mut axis = rank - 1;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            at[axis] += 1;
            if at[axis] < extent[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_go_where_they_belong_and_are_cut_at_the_edge() {
        // Five by three, in chunks of two by two.
        let (shape, dimensions, counts) = ([5, 3], [2, 2], [3, 2]);
        let mut data = vec![0; 15];
        for place in 0..6 {
            let chunk: Vec<u8> = (0..4).map(|index| place as u8 * 10 + index).collect();
            put(&mut data, &chunk, place, &counts, &dimensions, &shape, 1);
        }
        assert_eq!(data, [0, 1, 10, 2, 3, 12, 20, 21, 30, 22, 23, 32, 40, 41, 50]);
    }
}
