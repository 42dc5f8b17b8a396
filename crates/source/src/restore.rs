//! What a restore gets and gives.

use std::sync::Arc;

use backstay_repository::{Cancel, Progress};

/// What every restore gets, whatever the kind.
#[derive(Debug, Clone)]
pub struct RestoreContext {
    /// Told of what is done.
    pub progress: Arc<dyn Progress>,
    /// Stops the restore until its commit point; it then leaves everything as it was.
    pub cancel: Cancel,
    /// How many threads may work, at least 1.
    pub threads: usize,
}

/// Something that a restore cannot put back as it was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannotRestore {
    /// The path as bytes.
    pub path: Vec<u8>,
    /// A sentence for a person.
    pub reason: String,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestoreReport {
    /// Entries that did not exist before.
    pub created: u64,
    /// Entries whose content or type was replaced.
    pub replaced: u64,
    /// Entries that were removed.
    pub deleted: u64,
    /// Entries of which only mode, owner, times or attributes were set.
    pub metadata: u64,
    /// Bytes that were written.
    pub written_bytes: u64,
    /// What was not put back as captured.
    pub not_restored: Vec<CannotRestore>,
}
