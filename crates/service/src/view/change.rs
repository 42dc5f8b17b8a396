//! What differs between two states of a tree.

use backstay_model::SnapshotId;
use serde::{Deserialize, Serialize};

use super::entry::EntryKind;

/// What a snapshot is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// The present tree of the workspace.
    Live,
    /// Another snapshot; the changes lead from the first to this one.
    Snapshot(SnapshotId),
}

/// How to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiffOptions {
    /// Only these paths and what is below them; empty for all.
    pub paths: Vec<String>,
    /// Whether files whose metadata agree are compared by content too.
    pub content: bool,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// `A`: it is new.
    Added,
    /// `D`: it is gone.
    Deleted,
    /// `M`: its content differs.
    Modified,
    /// `T`: it is something else now.
    Type,
    /// `P`: its mode, owner, modification time or extended attributes differ.
    Metadata,
    /// `R`: it had another name.
    Renamed,
}

/// One path that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The bytes of the path relative to the root.
    pub path: Vec<u8>,
    /// How it differs.
    pub kind: ChangeKind,
    /// The path before, when it was renamed.
    pub from_path: Option<Vec<u8>>,
    /// What it was; `None` when it is new.
    pub before: Option<EntryFacts>,
    /// What it is; `None` when it is gone.
    pub after: Option<EntryFacts>,
}

/// What is told of an entry on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryFacts {
    /// What it is.
    pub kind: EntryKind,
    /// The length of a file in bytes, 0 for anything else.
    pub size: u64,
    /// The twelve mode bits.
    pub mode: u32,
    /// The modification time in nanoseconds since the Unix epoch.
    pub mtime_ns: i128,
    /// The bytes of what a symbolic link points at.
    pub target: Option<Vec<u8>>,
}

/// How many paths differ in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// A page of changes, in the order of their paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePage {
    /// This page.
    pub changes: Vec<Change>,
    /// Of the whole difference.
    pub summary: ChangeSummary,
    /// How many changes there are in all.
    pub total: u64,
    /// The `cursor` of the next page.
    pub next: Option<String>,
}
