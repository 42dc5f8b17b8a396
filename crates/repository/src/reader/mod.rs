//! Reading: chunks, content, directories; every byte verified.

pub(crate) mod blocks;
mod cache;
mod content;
mod directory;
mod restore;
mod walk;

use std::sync::Arc;

use bytes::Bytes;

pub(crate) use cache::BlockCache;
pub use content::{ContentReader, Extents};
pub use directory::DirectoryEntries;
pub(crate) use walk::{ChunkRole, walk, walk_with};

use crate::content::Content;
use crate::error::Result;
use crate::id::ChunkId;
use crate::repository::{Repository, Shared};

/// Reads a repository. Cheap to clone; clones and threads share a bounded cache of opened blocks.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
}

/// Where a chunk lies. Locations order as the bytes lie in the repository; reading in that order opens every block
/// once. A location is a hint: it holds until the index is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The block, numbered through all packs; chunks of one block are opened together.
    pub block: u32,
    /// The offset of the chunk in the block, in bytes.
    pub offset: u32,
}

impl Reader {
    pub(crate) fn new(repository: &Repository) -> Self {
        Self { shared: Arc::clone(&repository.shared) }
    }

    /// The bytes of a chunk, verified against its id; a part of a cached block, not a copy.
    ///
    /// Errors: [`crate::RepositoryError::MissingChunk`], [`crate::RepositoryError::Damaged`].
    pub fn chunk(&self, id: &ChunkId) -> Result<Bytes> {
        blocks::chunk(&self.shared, id)
    }

    /// The id that a chunk of these bytes has, stored or not.
    pub fn chunk_id(&self, data: &[u8]) -> ChunkId {
        self.shared.keys.chunk_id(data)
    }

    /// Where a chunk lies; `None` when the index does not know it.
    pub fn location(&self, id: &ChunkId) -> Result<Option<Location>> {
        self.shared.load_index()?;
        let place = self.shared.index.read().find(id);
        Ok(place.map(|place| Location { block: place.block, offset: place.offset }))
    }

    /// Where the first data of `content` lies, for ordering a restore; `None` when it has none.
    pub fn first_location(&self, content: &Content) -> Result<Option<Location>> {
        for extent in self.extents(content) {
            if let crate::Extent::Data { id, .. } = extent? {
                return self.location(&id);
            }
        }
        Ok(None)
    }
}
