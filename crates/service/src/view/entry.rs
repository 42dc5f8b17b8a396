//! Entries of a snapshot's tree.

use serde::{Deserialize, Serialize};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe, noted and not captured.
    Fifo,
    /// A socket, noted and not captured.
    Socket,
    /// A device, noted and not captured.
    Device,
    /// Something that could not be read, noted and left alone by a restore.
    Unreadable,
}

/// One name in the tree of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The bytes of the path relative to the root; empty for the root itself.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// The length of a file in bytes, 0 for anything else.
    pub size: u64,
    /// The twelve mode bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The modification time in nanoseconds since the Unix epoch.
    pub mtime_ns: i128,
    /// The bytes of what a symbolic link points at.
    pub target: Option<Vec<u8>>,
    /// Names with the same number share one file.
    pub hard_link_group: Option<u64>,
    /// The names of the extended attributes.
    pub xattrs: Vec<Vec<u8>>,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryOptions {
    /// The bytes of the path of the directory; empty for the root.
    pub path: Vec<u8>,
    /// Whether to list everything below it and not only its own entries.
    pub recursive: bool,
}
