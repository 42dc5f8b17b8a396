//! Comparing the bytes of a live file with stored content.

use std::ffi::CStr;
use std::fs::File;
use std::os::unix::fs::FileExt;

use backstay_repository::{Content, Extent, MAX_CHUNK_BYTES, Reader};

use crate::error::Result;
use crate::fs::Dir;

/// Whether the file `name` holds exactly `content`. A file that cannot be read does not.
pub(crate) fn file_has_content(dir: &Dir, name: &CStr, content: &Content, reader: &Reader) -> Result<bool> {
    let Ok(file) = dir.open_file(name) else { return Ok(false) };
    let file = File::from(file);
    let mut buffer = Vec::new();
    let mut offset = 0;
    for extent in reader.extents(content) {
        let extent = extent?;
        let same = match extent {
            Extent::Data { id, length } => {
                buffer.resize(length as usize, 0);
                file.read_exact_at(&mut buffer, offset).is_ok() && reader.chunk_id(&buffer) == id
            }
            Extent::Hole { length } => is_zero(&file, offset, length, &mut buffer),
        };
        if !same {
            return Ok(false);
        }
        offset += extent.length();
    }
    // One byte more would be a longer file.
    Ok(matches!(file.read_at(&mut [0], offset), Ok(0)))
}

fn is_zero(file: &File, mut offset: u64, mut length: u64, buffer: &mut Vec<u8>) -> bool {
    buffer.resize(MAX_CHUNK_BYTES, 0);
    while length > 0 {
        // Holes of the live file need not be read.
        match rustix::fs::seek(file, rustix::fs::SeekFrom::Data(offset)) {
            Ok(data) if data > offset => {
                let skipped = (data - offset).min(length);
                offset += skipped;
                length -= skipped;
                continue;
            }
            Err(rustix::io::Errno::NXIO) => {
                return file.metadata().is_ok_and(|file| file.len() >= offset + length);
            }
            _ => {}
        }
        let part = (buffer.len() as u64).min(length) as usize;
        let part = &mut buffer[..part];
        if file.read_exact_at(part, offset).is_err() || part.iter().any(|byte| *byte != 0) {
            return false;
        }
        offset += part.len() as u64;
        length -= part.len() as u64;
    }
    true
}
