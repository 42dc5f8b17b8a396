//! `graft.lock`: which commit each dependency is at.

mod read;
mod write;

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::Serialize;

use crate::commit_id::CommitId;
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::url::SourceUrl;

/// The name of the file.
pub const FILE_NAME: &str = "graft.lock";

/// What is locked. Reads versions 1, 2 and 3; writes version 3, always the same bytes for the same entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The entries, by name.
    pub entries: BTreeMap<DependencyName, LockEntry>,
}

/// One locked dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LockEntry {
    /// Where it comes from.
    pub source: SourceUrl,
    /// The ref that was wanted.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The commit that the ref meant. Versions before 3 may hold the id of an annotated tag here.
    pub commit: CommitId,
    /// When it was locked.
    pub consumed_at: Timestamp,
}

/// A lock as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockReading {
    /// What is locked.
    pub lock: Lock,
    /// The version of the file.
    pub version: u32,
    /// Transitive entries of version 2, which version 3 has no place for.
    pub dropped: Vec<String>,
}

impl Lock {
    /// Sets an entry. `now` becomes its `consumed_at`, unless nothing else of it changes.
    ///
    /// Returns whether anything changed.
    pub fn set(
        &mut self,
        name: &DependencyName,
        source: SourceUrl,
        reference: Reference,
        commit: CommitId,
        now: Timestamp,
    ) -> bool {
        if let Some(old) = self.entries.get(name)
            && old.source == source
            && old.reference == reference
            && old.commit == commit
        {
            return false;
        }
        self.entries.insert(name.clone(), LockEntry { source, reference, commit, consumed_at: now });
        true
    }
}
