//! What the local store asks of a disk.

use std::fmt;
use std::io;
use std::ops::Range;

use backstay_model::Timestamp;
use bytes::Bytes;

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStat {
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
}

/// A name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DirectoryEntry<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_directory: bool,
}

/// A directory tree on a disk that may lose, on a power cut, whatever was not synced.
///
/// Paths are relative to the root of the tree, made of object names and [`super::TEMPORARY`], joined by `/`; the empty
/// path is the root. The contract is that of POSIX: the content of a file is durable after [`DiskFile::sync`], a name
/// after [`Disk::sync_directory`] of the directory that holds it, and nothing is durable before.
pub(crate) trait Disk: Send + Sync + fmt::Debug {
    /// Creates an empty file; `AlreadyExists` when the name is taken.
    fn create_file(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Creates a directory; `AlreadyExists` when the name is taken. Creates the root with its parents, durably.
    fn create_directory(&self, path: &str) -> io::Result<()>;

    /// Moves a file, replacing one of that name in one step.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Moves a file in one step; `AlreadyExists` when the name is taken.
    fn rename_new(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes the name of a file.
    fn remove_file(&self, path: &str) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &str) -> io::Result<()>;

    /// Reads a whole file.
    fn read(&self, path: &str) -> io::Result<Bytes>;

    /// Reads exactly `range` of a file; `UnexpectedEof` when it is shorter.
    fn read_range(&self, path: &str, range: Range<u64>) -> io::Result<Bytes>;

    /// What is known of a regular file; `NotFound` for anything else.
    fn stat(&self, path: &str) -> io::Result<FileStat>;

    /// Every file and directory in a directory, until `visit` returns `false`. Names that are not UTF-8 are left out.
    fn entries(&self, path: &str, visit: &mut dyn FnMut(DirectoryEntry<'_>) -> bool) -> io::Result<()>;
}

/// A file being written. Only its creator knows of it.
pub(crate) trait DiskFile: Send {
    /// Appends all of `data`.
    fn append(&mut self, data: &[u8]) -> io::Result<()>;

    /// Makes the content durable and the modification time the present.
    fn sync(&mut self) -> io::Result<()>;
}
