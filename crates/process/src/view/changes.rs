//! Reading what commands wrote to the upper directory of an overlay.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// The attribute of a directory that shows nothing of the one below it.
const OPAQUE: &str = "user.overlay.opaque";
/// Overlayfs itself goes no deeper than a path can be long.
const MOST_LEVELS: usize = 4096;

/// One path that differs, or may differ, from the lower directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpperEntry {
    /// Relative to the root of the view.
    pub path: PathBuf,
    /// What is there now.
    pub kind: UpperKind,
}

/// What is at a path in the upper directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpperKind {
    /// Nothing any more: what the lower directory has here was removed.
    Removed,
    /// A directory. It was created, or has other attributes than before, or merely leads to something that changed.
    Directory {
        /// Whether nothing of the lower directory shows through it: what is in there and not listed here was removed.
        opaque: bool,
    },
    /// A regular file, complete: created, changed, or only opened for writing.
    File,
    /// A symbolic link: created or changed.
    Symlink,
    /// A FIFO, a socket or a device.
    Other,
}

/// Lists what is in an upper directory, sorted so that a directory comes before what is in it. The root of the view
/// itself is not listed: its attributes are those of `upper`.
///
/// The list says what is there, not what it was: whether a path is new, changed, or the same after all is for the caller
/// to find by comparing it with the lower directory.
///
/// # Errors
/// When a directory cannot be read, or is deeper than 4096 levels.
pub fn changes_of(upper: &Path) -> io::Result<Vec<UpperEntry>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(parent) = open.pop() {
        if parent.components().count() > MOST_LEVELS {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        for entry in fs::read_dir(upper.join(&parent))? {
            let entry = entry?;
            let path = parent.join(entry.file_name());
            let meta = entry.metadata()?;
            let kind = if meta.is_dir() {
                open.push(path.clone());
                UpperKind::Directory { opaque: is_opaque(&entry.path())? }
            } else if meta.file_type().is_char_device() && meta.rdev() == 0 {
                UpperKind::Removed
            } else if meta.is_file() {
                UpperKind::File
            } else if meta.is_symlink() {
                UpperKind::Symlink
            } else {
                UpperKind::Other
            };
            found.push(UpperEntry { path, kind });
        }
    }
    found.sort_by(|a, b| {
        let parts =
            |entry: &UpperEntry| entry.path.iter().map(|part| part.as_bytes().to_vec()).collect::<Vec<_>>();
        parts(a).cmp(&parts(b))
    });
    Ok(found)
}

fn is_opaque(directory: &Path) -> io::Result<bool> {
    let mut value = [0_u8; 8];
    match rustix::fs::lgetxattr(directory, OPAQUE, &mut value[..]) {
        Ok(length) => Ok(value[..length] == *b"y"),
        // Any longer value (`RANGE`) means something else.
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
