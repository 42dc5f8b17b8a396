//! What a large file must be able to do to be stored by several threads.

use std::fs::File;
use std::io;
use std::ops::Range;

use rustix::fs::SeekFrom;
use rustix::io::Errno;

/// Something of known length that can be read at any offset from several threads: a file or a device.
pub trait RandomAccess: Sync {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The next range of data at or after `offset` and before `length`; what lies before it is a hole. `None` when
    /// only a hole follows. The default is that there are no holes.
    fn next_data(&self, offset: u64, length: u64) -> io::Result<Option<Range<u64>>> {
        Ok((offset < length).then_some(offset..length))
    }
}

impl RandomAccess for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    fn next_data(&self, offset: u64, length: u64) -> io::Result<Option<Range<u64>>> {
        let start = match rustix::fs::seek(self, SeekFrom::Data(offset)) {
            Ok(start) => start,
            Err(Errno::NXIO) => return Ok(None),
            // The file system knows nothing of holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok((offset < length).then_some(offset..length)),
            Err(error) => return Err(error.into()),
        };
        if start >= length {
            return Ok(None);
        }
        let end = rustix::fs::seek(self, SeekFrom::Hole(start)).unwrap_or(length);
        Ok(Some(start..end.clamp(start + 1, length)))
    }
}

impl RandomAccess for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}
