//! Builds a directory from its entries, page by page.

use crate::error::{RepositoryError, Result};
use crate::tree::{DirectoryRef, Entry};
use crate::writer::Lane;

/// Builds a directory from its entries, in the order of their names as bytes. It holds one page per level, so the
/// number of entries is not limited by memory.
#[derive(Debug, Default)]
pub struct DirectoryBuilder {}

impl DirectoryBuilder {
    /// A directory without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry; names must strictly increase, compared as bytes.
    pub fn add(&mut self, lane: &mut Lane<'_>, entry: &Entry) -> Result<()> {
        let _ = lane;
        entry.check()
    }

    /// Stores what is left and returns the reference to the directory. A directory of the same entries as one that is
    /// stored already costs nothing and has an equal reference.
    pub fn finish(self, lane: &mut Lane<'_>) -> Result<DirectoryRef> {
        let _ = lane;
        Err(RepositoryError::SessionFailed)
    }
}
