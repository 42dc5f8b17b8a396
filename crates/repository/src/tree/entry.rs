//! One entry of a directory: what a restore needs to know of it.

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::limits::{MAX_LEVELS, MAX_NAME_BYTES, MAX_TARGET_BYTES, MAX_XATTR_BYTES, MAX_XATTRS};

/// A stored directory: the root page of its list of entries. Equal references mean equal directories, all the way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DirectoryRef {
    /// The root page.
    pub(crate) id: ChunkId,
    /// Levels of pages, at least 1.
    pub(crate) levels: u8,
}

impl DirectoryRef {
    /// The chunk of the root page.
    pub const fn id(&self) -> ChunkId {
        self.id
    }

    /// How many levels of pages there are, at least 1.
    pub const fn levels(&self) -> u8 {
        self.levels
    }

    pub(crate) const fn levels_are_possible(levels: u8) -> bool {
        levels >= 1 && levels <= MAX_LEVELS
    }
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node {
    /// A regular file.
    File {
        /// Its bytes and holes.
        content: Content,
    },
    /// A directory.
    Directory {
        /// Its entries.
        directory: DirectoryRef,
    },
    /// A symbolic link, stored as a link; it may dangle.
    Symlink {
        /// Where it points, not interpreted.
        target: Vec<u8>,
    },
    /// A named pipe; only noted.
    Fifo,
    /// A socket; only noted.
    Socket,
    /// A block device; only noted.
    BlockDevice {
        /// The device it stands for, as `st_rdev`.
        number: u64,
    },
    /// A character device; only noted.
    CharacterDevice {
        /// The device it stands for, as `st_rdev`.
        number: u64,
    },
    /// Something whose content could not be read; a restore leaves what is there alone.
    Unreadable,
}

/// An extended attribute; ACLs are among them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Xattr {
    /// The name with its namespace, for example `user.comment`.
    pub name: Vec<u8>,
    /// The value, at most 64 KiB.
    pub value: Vec<u8>,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The name: bytes, without `/` and NUL, not `.` or `..`.
    pub name: Vec<u8>,
    /// What the entry is.
    pub node: Node,
    /// The 12 permission bits.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The time of the last change of the content, in nanoseconds since the Unix epoch (years 1678 to 2262).
    pub mtime_ns: i64,
    /// The time of the last change of the inode, in nanoseconds since the Unix epoch; not restored, only compared.
    pub ctime_ns: i64,
    /// The inode number; not restored, only compared.
    pub inode: u64,
    /// The device of the file system; not restored, only compared.
    pub device: u64,
    /// The same number in two files of a snapshot means that they are one file with several names.
    pub hard_link: Option<u64>,
    /// Extended attributes, sorted by name.
    pub xattrs: Vec<Xattr>,
}

impl Entry {
    /// An entry with this name and node; everything else is zero or empty.
    pub fn new(name: impl Into<Vec<u8>>, node: Node) -> Self {
        Self {
            name: name.into(),
            node,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime_ns: 0,
            ctime_ns: 0,
            inode: 0,
            device: 0,
            hard_link: None,
            xattrs: Vec::new(),
        }
    }

    /// The size in bytes: of a file its length, of a symlink that of its target, otherwise zero.
    pub fn size(&self) -> u64 {
        match &self.node {
            Node::File { content } => content.length(),
            Node::Symlink { target } => target.len() as u64,
            _ => 0,
        }
    }

    /// The content of a regular file.
    pub fn content(&self) -> Option<&Content> {
        match &self.node {
            Node::File { content } => Some(content),
            _ => None,
        }
    }

    /// The directory behind the entry, when it is one.
    pub fn directory(&self) -> Option<DirectoryRef> {
        match self.node {
            Node::Directory { directory } => Some(directory),
            _ => None,
        }
    }

    /// Whether `name` can name an entry: not empty, not `.` or `..`, without `/` and NUL, not too long.
    pub fn name_is_possible(name: &[u8]) -> bool {
        !name.is_empty()
            && name.len() <= MAX_NAME_BYTES
            && name != b"."
            && name != b".."
            && !name.iter().any(|byte| matches!(byte, 0 | b'/'))
    }

    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |reason| {
            Err(RepositoryError::Invalid {
                what: format!("the entry `{}`", self.name.escape_ascii()),
                reason,
            })
        };
        if !Self::name_is_possible(&self.name) {
            return refuse("it is no possible name of a file");
        }
        if matches!(&self.node, Node::Symlink { target } if target.len() > MAX_TARGET_BYTES) {
            return refuse("the target of the link is too long");
        }
        if self.xattrs.len() > MAX_XATTRS {
            return refuse("it has too many extended attributes");
        }
        for xattr in &self.xattrs {
            if xattr.value.len() > MAX_XATTR_BYTES || xattr.name.len() > MAX_NAME_BYTES {
                return refuse("an extended attribute is larger than 64 KiB");
            }
        }
        Ok(())
    }
}
