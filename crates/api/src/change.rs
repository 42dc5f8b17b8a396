//! Changes: what differs between two states of a tree.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::entry::EntryKind;
use crate::page::list_query;

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content differs.
    Modified,
    /// It is something else now, for example a link in place of a file.
    Type,
    /// Its mode, owner, modification time or extended attributes differ, and not its content.
    Metadata,
    /// It had another name.
    Renamed,
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// The path relative to the root.
    pub path: String,
    /// The bytes of the path in base64, when they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// How it differs.
    pub change: ChangeKind,
    /// The path before, when it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_path: Option<String>,
    /// What it was; null when it is new.
    pub before: Option<EntryFacts>,
    /// What it is; null when it is gone.
    pub after: Option<EntryFacts>,
}

/// What is compared of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EntryFacts {
    /// What it is.
    pub kind: EntryKind,
    /// The size of a file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The twelve mode bits in octal.
    pub mode: String,
    /// The modification time in nanoseconds since the Unix epoch.
    pub mtime_ns: String,
    /// Where a symbolic link points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A page of changes, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangePage {
    /// This page.
    pub changes: Vec<Change>,
    /// How much differs in all.
    pub summary: ChangeSummary,
    /// How many changes there are in all.
    pub total: u64,
    /// The `cursor` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many paths differ in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeSummary {
    /// New paths.
    pub added: u64,
    /// Paths whose content, type, name or metadata differ.
    pub modified: u64,
    /// Paths that are gone.
    pub deleted: u64,
    /// The length of new and modified files in bytes.
    pub bytes: u64,
}

list_query!(
    /// What to compare the snapshot with.
    DiffQuery {
        /// The id of another snapshot, or `live` for the present tree of the workspace, which is also the default.
        #[param(min_length = 1, max_length = 128)]
        against: String,
        /// Only this path and what is below it.
        #[param(max_length = 4096)]
        path: String,
        /// Whether to compare files whose metadata agree by their content too.
        content: bool,
    }
);
