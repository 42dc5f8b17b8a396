//! What the manifests of a repository reference.

use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::maintenance::bits::Bits;
use crate::maintenance::survey::Survey;
use crate::progress::Cancel;
use crate::reader::{ChunkRole, walk_with};
use crate::repository::Shared;
use crate::tree::DirectoryRef;

/// Chunks by their numbers in the index of a survey.
#[derive(Debug)]
pub(crate) struct Live {
    /// Everything referenced.
    pub(crate) chunks: Bits,
    /// Pages whose references are counted. A file may have the same bytes as a page, so that being referenced is not
    /// enough.
    entered: Bits,
}

impl Live {
    pub(crate) fn new(survey: &Survey) -> Self {
        let count = survey.index.chunk_count();
        Self { chunks: Bits::new(count), entered: Bits::new(count) }
    }

    /// Adds everything that `root` reaches. Any missing or damaged page is an error: without it nobody knows what else
    /// is referenced.
    pub(crate) fn add(
        &mut self,
        shared: &Shared,
        survey: &Survey,
        root: &DirectoryRef,
        cancel: &Cancel,
    ) -> Result<()> {
        walk_with(&mut |id| survey.chunk(shared, id), root, &mut |id, role| {
            cancel.check()?;
            self.visit(survey, &id, role)
        })
    }

    /// Counts a chunk; returns whether it is a page to go into.
    pub(crate) fn visit(&mut self, survey: &Survey, id: &ChunkId, role: ChunkRole) -> Result<bool> {
        let number = survey.index.chunk_number(id).ok_or(RepositoryError::MissingChunk { chunk: *id })?;
        self.chunks.insert(number);
        Ok(role == ChunkRole::Page && self.entered.insert(number))
    }
}
