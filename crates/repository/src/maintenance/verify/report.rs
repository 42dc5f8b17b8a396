//! What a verification found.

use std::fmt;

use backstay_store::StoreErrorKind;

use crate::error::RepositoryError;
use crate::id::ManifestId;

/// An object that is missing, or not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DamagedObject {
    /// The name of the object, for example `packs/0a…`.
    pub object: String,
    /// Where in the object, in bytes, when only a part is concerned.
    pub offset: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl DamagedObject {
    pub(crate) fn new(object: &dyn fmt::Display, reason: &str) -> Self {
        Self { object: object.to_string(), offset: None, reason: reason.to_owned() }
    }

    /// The object that `error` tells of; `object` when it names none.
    pub(crate) fn of(error: &RepositoryError, object: &dyn fmt::Display) -> Self {
        match error {
            RepositoryError::Damaged { object, offset, reason, .. } => {
                Self { object: object.clone(), offset: *offset, reason: (*reason).to_owned() }
            }
            RepositoryError::NewerFormat { object, .. } => Self::new(object, "it has a newer format"),
            RepositoryError::Store(error) if error.kind == StoreErrorKind::OutOfRange => {
                Self::new(object, "it ends too early")
            }
            RepositoryError::Store(_) | RepositoryError::NotFound { .. } => {
                Self::new(object, "it is missing")
            }
            error => Self::new(object, &error.to_string()),
        }
    }
}

/// Something that cannot be restored from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostPath {
    /// The path: names joined by `/`, as bytes; empty for the root.
    pub path: Vec<u8>,
    /// Whether it is a directory of which some or all entries are unknown.
    pub is_directory: bool,
}

/// What a snapshot has lost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotDamage {
    /// The manifest.
    pub manifest: ManifestId,
    /// The snapshot, when the manifest can be read.
    pub snapshot: Option<String>,
    /// How many paths are lost.
    pub lost_count: u64,
    /// The first of them; see [`super::VerifyOptions::max_lost_paths`].
    pub lost: Vec<LostPath>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Objects that are missing or damaged, sorted.
    pub damaged: Vec<DamagedObject>,
    /// Snapshots that cannot be restored in full.
    pub snapshots: Vec<SnapshotDamage>,
    /// Chunks that a snapshot needs and no pack has.
    pub missing_chunks: u64,
    /// The snapshots that were checked: those whose manifest could be read, sorted.
    pub checked_snapshots: Vec<ManifestId>,
    /// Packs of which presence and length were checked.
    pub checked_packs: u64,
    /// Blocks that were read, opened and hashed.
    pub checked_blocks: u64,
    /// Bytes of packs that were read for that.
    pub read_bytes: u64,
    /// Packs that no index object tells of: of captures that are under way or were broken off. Not damage.
    pub unindexed_packs: u64,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.damaged.is_empty() && self.snapshots.is_empty() && self.missing_chunks == 0
    }

    pub(crate) fn sort(&mut self) {
        self.damaged.sort();
        self.damaged.dedup();
        self.snapshots.sort();
        self.checked_snapshots.sort_unstable();
    }
}
