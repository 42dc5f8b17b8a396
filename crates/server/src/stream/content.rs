//! The bytes of a file.

use std::io::{self, Read, Seek, SeekFrom, Write};

use axum::body::Body;

use super::channel::{PIECE, body_channel};

/// The `length` bytes from `first` on as a body, read on a blocking thread while they are sent. Damage on the way
/// breaks the transfer off.
pub(crate) fn read_range(reader: impl Read + Seek + Send + 'static, first: u64, length: u64) -> Body {
    let (mut writer, body) = body_channel();
    tokio::task::spawn_blocking(move || match copy(reader, first, length, &mut writer) {
        Ok(()) => drop(writer.finish()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => {
            tracing::error!(error.message = %error, "content could not be read to its end");
            writer.fail(error);
        }
    });
    body
}

fn copy(mut reader: impl Read + Seek, first: u64, length: u64, writer: &mut impl Write) -> io::Result<()> {
    if first > 0 {
        reader.seek(SeekFrom::Start(first))?;
    }
    let mut left = length;
    let mut buffer = vec![0; PIECE.min(usize::try_from(length).unwrap_or(PIECE))];
    while left > 0 {
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = reader.read(&mut buffer[..wanted])?;
        if got == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the content is shorter than its entry says",
            ));
        }
        writer.write_all(&buffer[..got])?;
        left -= got as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn a_range_is_read_exactly_and_a_short_content_is_an_error() {
        let data: Vec<u8> = (0..600_000_u32).map(|n| (n % 251) as u8).collect();
        let body = read_range(Cursor::new(data.clone()), 1000, 400_000);
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(&bytes[..], &data[1000..401_000]);
        let short = read_range(Cursor::new(data), 599_000, 2000);
        assert!(axum::body::to_bytes(short, usize::MAX).await.is_err());
    }
}
