//! Reading one file so that what is stored was one state of it.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use backstay_repository::{Content, ContentHint, Lane, RandomAccess};
use rustix::fs::SeekFrom;
use rustix::io::Errno;

use super::hard_links::HardLinks;
use crate::error::{Result, WorkspaceError};
use crate::fs::{Dir, FileKind, Stat, read_xattrs_of_file};

/// Files up to this size are read with one call and stored whole.
pub(super) const SMALL_FILE_BYTES: usize = 1 << 20;

/// How often a file that changes is read again.
const READ_AGAIN: u32 = 3;

/// The resolution of file times, and with it the time in which a change can go unnoticed.
const FINE_TICK_NS: i64 = 25_000_000;
/// The same for file systems that count whole seconds, or two.
const COARSE_TICK_NS: i64 = 2_000_000_000;

/// A file as it was read.
pub(super) struct ReadFile {
    pub(super) stat: Stat,
    pub(super) content: Content,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// It changed each time it was read.
    pub(super) unsteady: bool,
    /// Bytes that were read from it.
    pub(super) read_bytes: u64,
}

/// What came of trying to read a file.
pub(super) enum Outcome {
    Read(ReadFile),
    /// It is no longer there.
    Gone,
    /// It is something else by now.
    OtherKind,
    /// It cannot be read.
    Unreadable(&'static str, Errno),
}

/// Tells states that are certain from those that a later change might hide in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calm {
    /// When the capture began, by the file system's clock.
    pub(super) began_ns: i64,
}

impl Calm {
    /// Whether a file with this change time was last changed before the capture began, so that a change during the
    /// capture cannot have the same time.
    pub(super) fn is_certain(self, ctime_ns: i64) -> bool {
        let tick = if ctime_ns % 1_000_000_000 == 0 { COARSE_TICK_NS } else { FINE_TICK_NS };
        ctime_ns < self.began_ns.saturating_sub(tick)
    }
}

/// Reads the file `name` in `dir`.
///
/// A file that was not changed since the capture began costs four calls: open, read, `statx`, close, and one for the
/// list of its extended attributes. For a younger one the state is compared before and after.
pub(super) fn read_file(
    dir: &Dir,
    name: &CStr,
    calm: Calm,
    links: &HardLinks,
    lane: &mut Lane<'_>,
    buffer: &mut [u8],
    scratch: &mut Vec<u8>,
) -> Result<Outcome> {
    let mut careful = false;
    let mut tries = 0;
    loop {
        let file = match dir.open_file(name) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(Outcome::Gone),
            Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => return Ok(Outcome::OtherKind),
            Err(errno) => return Ok(Outcome::Unreadable("read", errno)),
        };
        let before = if careful { Some(stat_of(&file)?) } else { None };
        if before.is_some_and(|stat| stat.kind != FileKind::File) {
            return Ok(Outcome::OtherKind);
        }
        let length = match read_full(&file, buffer) {
            Ok(length) => length,
            // What was a file in the listing is a directory now.
            Err(Errno::ISDIR) => return Ok(Outcome::OtherKind),
            Err(errno) => return Ok(Outcome::Unreadable("read", errno)),
        };
        let seen = stat_of(&file)?;
        if seen.kind != FileKind::File {
            return Ok(Outcome::OtherKind);
        }
        let has_holes = seen.size > 4096 && seen.stored_bytes.saturating_add(4095) < seen.size;
        let whole = length < buffer.len() && !has_holes;
        let (content, last, read_bytes) = if whole {
            let content = lane.store_bytes(&buffer[..length], hint_of_name(name, length as u64))?;
            (content, seen, length as u64)
        } else if let Some(content) = links.content(&seen) {
            (content, seen, 0)
        } else {
            let hint = hint_of_name(name, seen.size);
            let content = lane.store_file(&SparseFile(&file), seen.size, hint)?;
            let after = stat_of(&file)?;
            (content, after, seen.size)
        };
        let first = before.unwrap_or(seen);
        let steady = first.same_state(&last) && content.length() == last.size;
        let certain = before.is_some() || !whole || calm.is_certain(last.ctime_ns);
        if !(steady && certain) && tries < READ_AGAIN {
            // The first extra reading only makes sure; it is not a change that was seen.
            tries += u32::from(careful || !steady);
            careful = true;
            continue;
        }
        let xattrs = match read_xattrs_of_file(&file, scratch) {
            Ok(xattrs) => xattrs,
            Err(error) => return Ok(Outcome::Unreadable("read the attributes of", error.errno)),
        };
        return Ok(Outcome::Read(ReadFile { stat: last, content, xattrs, unsteady: !steady, read_bytes }));
    }
}

/// How often an unsteady file was read.
pub(super) const fn tries() -> u32 {
    READ_AGAIN + 1
}

fn stat_of(file: &File) -> Result<Stat> {
    Stat::of_file(file).map_err(|errno| WorkspaceError::path("inspect", b"an open file", errno))
}

/// Reads until the buffer is full or the file ends. A regular file ends where a read comes back short.
fn read_full(file: &File, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match rustix::io::read(file, &mut *buffer) {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
}

/// What the name of a large file tells of its content. Small ones share their blocks with neighbours.
fn hint_of_name(name: &CStr, size: u64) -> ContentHint {
    if size < SMALL_FILE_BYTES as u64 {
        return ContentHint::Auto;
    }
    let name = name.to_bytes();
    let Some(dot) = name.iter().rposition(|b| *b == b'.') else { return ContentHint::Auto };
    match name[dot + 1..].to_ascii_lowercase().as_slice() {
        b"img" | b"raw" | b"qcow2" | b"vmdk" | b"vdi" | b"vhd" | b"vhdx" => ContentHint::Image,
        b"h5" | b"hdf5" | b"npy" | b"safetensors" => ContentHint::Array,
        b"gz" | b"zst" | b"xz" | b"bz2" | b"zip" | b"jpg" | b"jpeg" | b"png" | b"mp4" | b"webm" | b"mp3"
        | b"7z" | b"rar" | b"tgz" => ContentHint::Incompressible,
        _ => ContentHint::Auto,
    }
}

/// An open file whose holes are found by asking the file system.
struct SparseFile<'f>(&'f File);

impl RandomAccess for SparseFile<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self.0, buffer, offset)
    }

    fn next_data(&self, offset: u64, length: u64) -> io::Result<Option<Range<u64>>> {
        if offset >= length {
            return Ok(None);
        }
        let start = match rustix::fs::seek(self.0.as_fd(), SeekFrom::Data(offset)) {
            Ok(start) if start < length => start,
            Ok(_) | Err(Errno::NXIO) => return Ok(None),
            // The file system does not tell holes.
            Err(_) => return Ok(Some(offset..length)),
        };
        let end = rustix::fs::seek(self.0.as_fd(), SeekFrom::Hole(start)).unwrap_or(length).min(length);
        Ok(Some(start..end.max(start + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_time_near_the_beginning_is_not_certain() {
        let calm = Calm { began_ns: 10_000_000_000_123 };
        assert!(calm.is_certain(9_999_000_000_001));
        assert!(!calm.is_certain(9_999_999_999_999));
        assert!(!calm.is_certain(9_999_000_000_000), "whole seconds are coarse");
        assert!(!calm.is_certain(11_000_000_000_001));
    }
}
