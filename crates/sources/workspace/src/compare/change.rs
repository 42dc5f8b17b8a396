//! A change, as it is shown.

use std::fmt;
use std::path::PathBuf;

use backstay_repository::{Content, Entry, Node};

use super::live::{Difference, LiveEntry, What};
use crate::fs::FileKind;
use crate::selection::Selection;

/// How much of the content of live files is read to compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentCheck {
    /// Nothing: files of equal size and time are taken to be equal, others to be different.
    Never,
    /// Files whose metadata leaves open whether their bytes changed.
    #[default]
    WhenUnsure,
    /// Every file of equal size.
    Always,
}

/// What is compared, and how.
#[derive(Debug, Clone)]
pub struct DiffOptions {
    /// The paths to compare.
    pub selection: Selection,
    /// How much content is read.
    pub content: ContentCheck,
    /// Whether a removed and an added file of the same content become one rename.
    pub renames: bool,
    /// A local repository, which is left out when it lies in the workspace.
    pub repository: Option<PathBuf>,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            selection: Selection::all(),
            content: ContentCheck::default(),
            renames: true,
            repository: None,
        }
    }
}

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is no longer there.
    Deleted,
    /// Its content changed.
    Modified,
    /// It became something else, for example a directory a file.
    Type,
    /// Only mode, owner, time or extended attributes changed.
    Properties,
    /// It has another name.
    Renamed,
}

impl ChangeKind {
    /// The letter shown: A, D, M, T, P or R.
    pub const fn letter(self) -> char {
        match self {
            Self::Added => 'A',
            Self::Deleted => 'D',
            Self::Modified => 'M',
            Self::Type => 'T',
            Self::Properties => 'P',
            Self::Renamed => 'R',
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block or character device.
    Device,
    /// Something that could not be read when it was captured.
    Unreadable,
}

impl EntryKind {
    /// The word used on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Fifo => "fifo",
            Self::Socket => "socket",
            Self::Device => "device",
            Self::Unreadable => "unreadable",
        }
    }

    /// The kind of a stored entry.
    pub const fn of(entry: &Entry) -> Self {
        match entry.node {
            Node::File { .. } => Self::File,
            Node::Directory { .. } => Self::Directory,
            Node::Symlink { .. } => Self::Symlink,
            Node::Fifo => Self::Fifo,
            Node::Socket => Self::Socket,
            Node::BlockDevice { .. } | Node::CharacterDevice { .. } => Self::Device,
            Node::Unreadable => Self::Unreadable,
        }
    }
}

impl From<FileKind> for EntryKind {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::File => Self::File,
            FileKind::Directory => Self::Directory,
            FileKind::Symlink => Self::Symlink,
            FileKind::Fifo => Self::Fifo,
            FileKind::Socket => Self::Socket,
            FileKind::CharDevice | FileKind::BlockDevice => Self::Device,
        }
    }
}

/// An entry before or after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryState {
    /// What it is.
    pub kind: EntryKind,
    /// The 12 permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The size in bytes.
    pub size: u64,
    /// The time of the last change of the content, in nanoseconds since the Unix epoch.
    pub mtime_ns: i64,
    /// Where a link points.
    pub target: Option<Vec<u8>>,
    /// The content, when it is stored.
    pub content: Option<Content>,
    pub(super) inode: u64,
    pub(super) device: u64,
}

impl EntryState {
    pub(crate) fn of_stored(entry: &Entry) -> Self {
        Self {
            kind: EntryKind::of(entry),
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: entry.size(),
            mtime_ns: entry.mtime_ns,
            target: match &entry.node {
                Node::Symlink { target } => Some(target.clone()),
                _ => None,
            },
            content: entry.content().cloned(),
            inode: entry.inode,
            device: entry.device,
        }
    }

    pub(crate) fn of_live(live: &LiveEntry) -> Self {
        let stat = &live.stat;
        Self {
            kind: stat.kind.into(),
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            size: if matches!(stat.kind, FileKind::File | FileKind::Symlink) { stat.size } else { 0 },
            mtime_ns: stat.mtime_ns,
            target: live.target.clone(),
            content: None,
            inode: stat.inode,
            device: stat.device,
        }
    }
}

/// One changed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The path; after a rename the new one.
    pub path: Vec<u8>,
    /// What happened.
    pub kind: ChangeKind,
    /// The old path of a rename.
    pub renamed_from: Option<Vec<u8>>,
    /// What was there before.
    pub before: Option<EntryState>,
    /// What is there after.
    pub after: Option<EntryState>,
}

impl Change {
    /// Whether it is a directory of which nothing but the time changed.
    pub(super) fn is_only_directory_time(&self) -> bool {
        let (ChangeKind::Properties, Some(before), Some(after)) = (self.kind, &self.before, &self.after)
        else {
            return false;
        };
        before.kind == EntryKind::Directory
            && before.mtime_ns != after.mtime_ns
            && (before.mode, before.uid, before.gid) == (after.mode, after.uid, after.gid)
    }
}

pub(super) fn of_difference(difference: Difference) -> Change {
    let kind = match difference.what {
        What::OnlyStored => ChangeKind::Deleted,
        What::OnlyLive => ChangeKind::Added,
        What::Type => ChangeKind::Type,
        What::Content | What::Links => ChangeKind::Modified,
        What::Metadata => ChangeKind::Properties,
    };
    Change {
        kind,
        renamed_from: None,
        before: difference.stored.as_ref().map(EntryState::of_stored),
        after: difference.live.as_ref().map(EntryState::of_live),
        path: difference.path,
    }
}
