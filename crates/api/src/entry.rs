//! Entries: the files, directories and links in a snapshot.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The path relative to the root, with replacement characters where it is not UTF-8.
    pub path: String,
    /// The bytes of the path in base64, when they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// What it is.
    pub kind: EntryKind,
    /// The size of a file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The twelve mode bits in octal, for example `0644`.
    pub mode: String,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// When the content was modified last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub modified_at: Option<Timestamp>,
    /// The same in nanoseconds since the Unix epoch, as text since JSON numbers lose digits.
    pub mtime_ns: String,
    /// Where a symbolic link points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Names with the same number share one file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_link_group: Option<u64>,
    /// The names of its extended attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xattrs: Vec<String>,
}

page!(
    /// A page of entries, in the order of their paths.
    EntryPage,
    entries: Entry
);

list_query!(
    /// Which entries to list.
    EntryQuery {
        /// The directory to list; the root when absent.
        #[param(max_length = 4096)]
        path: String,
        /// Whether to list everything below it and not only its own entries.
        recursive: bool,
    }
);
