//! The operations of a flip, in the order in which they are executed. Each can be repeated.

use super::metadata::Metadata;
use crate::fs::{FileKind, Stat};

/// By what an entry is recognized that must not have been touched by anyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) is_directory: bool,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    pub(crate) mtime_ns: i64,
    /// 0 when it does not count: a further name sets it, too.
    pub(crate) ctime_ns: i64,
}

impl Identity {
    pub(crate) fn of(stat: &Stat) -> Self {
        let is_directory = stat.kind == FileKind::Directory;
        Self {
            is_directory,
            device: stat.device,
            inode: stat.inode,
            size: if is_directory { 0 } else { stat.size },
            mtime_ns: if is_directory { 0 } else { stat.mtime_ns },
            ctime_ns: if is_directory || stat.links > 1 { 0 } else { stat.ctime_ns },
        }
    }

    /// The state in which a snapshot holds an entry.
    pub(crate) fn of_stored(entry: &backstay_repository::Entry) -> Self {
        let is_directory = entry.directory().is_some();
        Self {
            is_directory,
            device: entry.device,
            inode: entry.inode,
            size: if is_directory { 0 } else { entry.size() },
            mtime_ns: if is_directory { 0 } else { entry.mtime_ns },
            ctime_ns: if is_directory || entry.hard_link.is_some() { 0 } else { entry.ctime_ns },
        }
    }

    /// Whether `stat` is the same entry with the same content. The flip itself may have changed its links or mode.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        let now = Self::of(stat);
        (now.is_directory, now.device, now.inode, now.size, now.mtime_ns)
            == (self.is_directory, self.device, self.inode, self.size, self.mtime_ns)
    }

    /// Whether `stat` is the same entry in the same state.
    pub(crate) fn is_untouched(&self, stat: &Stat) -> bool {
        self.is(stat) && (self.ctime_ns == 0 || stat.links > 1 || self.ctime_ns == stat.ctime_ns)
    }
}

/// The BLAKE3 hashes of a file before and after it is replaced, where they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hashes {
    pub(crate) before: Option<[u8; 32]>,
    pub(crate) after: Option<[u8; 32]>,
}

/// One step of a flip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Removes a file, link or special file.
    RemoveFile { path: Vec<u8>, before: Identity },
    /// Removes a directory, which is empty by then.
    RemoveDirectory { path: Vec<u8>, before: Identity },
    /// Makes a directory.
    MakeDirectory { path: Vec<u8> },
    /// Moves a directory with all that is in it to the stage, with which it is removed.
    MoveAway { path: Vec<u8>, before: Identity, to: Vec<u8> },
    /// Moves a staged entry to its place, replacing what is there.
    Place { staged: Vec<u8>, path: Vec<u8>, before: Option<Identity>, hashes: Hashes },
    /// Sets mode, owner, attributes and times.
    SetMetadata { path: Vec<u8>, metadata: Metadata },
    /// Changes nothing; before the commit, the path must be as it was seen.
    Expect { path: Vec<u8>, before: Option<Identity> },
    /// Keeps another program from a change meanwhile, by giving a staged file the name of that program's lock.
    Hold { staged: Vec<u8>, path: Vec<u8> },
}

impl Operation {
    pub(crate) fn path(&self) -> &[u8] {
        match self {
            Self::RemoveFile { path, .. }
            | Self::RemoveDirectory { path, .. }
            | Self::MoveAway { path, .. }
            | Self::MakeDirectory { path }
            | Self::Place { path, .. }
            | Self::SetMetadata { path, .. }
            | Self::Expect { path, .. }
            | Self::Hold { path, .. } => path,
        }
    }
}
