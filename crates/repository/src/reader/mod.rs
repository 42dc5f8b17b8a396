//! Reading: chunks, content, directories; every byte verified.

use std::fs::File;
use std::io;
use std::marker::PhantomData;

use bytes::Bytes;

use crate::content::{Content, Extent};
use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::progress::{Cancel, Progress};
use crate::repository::Repository;
use crate::tree::{DirectoryRef, Entry};

/// Reads a repository. Cheap to clone; clones and threads share a bounded cache of opened blocks.
#[derive(Debug, Clone)]
pub struct Reader {
    repository: Repository,
}

/// Where a chunk lies. Locations order as the bytes lie in the repository; reading in that order opens every block once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The block, numbered through all packs.
    pub block: u32,
    /// The offset of the chunk in the block, in bytes.
    pub offset: u32,
}

impl Reader {
    pub(crate) fn new(repository: &Repository) -> Self {
        Self { repository: repository.clone() }
    }

    /// The bytes of a chunk, verified against its id.
    pub fn chunk(&self, id: &ChunkId) -> Result<Bytes> {
        let _ = &self.repository;
        Err(RepositoryError::MissingChunk { chunk: *id })
    }

    /// Where a chunk lies; `None` when the index does not know it.
    pub fn location(&self, id: &ChunkId) -> Result<Option<Location>> {
        let _ = id;
        Ok(None)
    }

    /// Where the first data of `content` lies, for ordering a restore; `None` when it has none.
    pub fn first_location(&self, content: &Content) -> Result<Option<Location>> {
        let _ = content;
        Ok(None)
    }

    /// The extents of `content` in order, those of long content page by page.
    pub fn extents(&self, content: &Content) -> impl Iterator<Item = Result<Extent>> + '_ {
        let _ = content;
        std::iter::empty()
    }

    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end. Costs O(log n) pages and the touched blocks.
    pub fn read_at(&self, content: &Content, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let _ = (content, offset, buffer);
        Ok(0)
    }

    /// All bytes of `content`, which must not be longer than `limit`.
    pub fn read_all(&self, content: &Content, limit: u64) -> Result<Vec<u8>> {
        let _ = (content, limit);
        Ok(Vec::new())
    }

    /// A stream over `content`; it can be positioned.
    pub fn open(&self, content: &Content) -> ContentReader {
        ContentReader { reader: self.clone(), content: content.clone() }
    }

    /// Writes `content` into `file`, which must be empty, with up to `threads` threads. Holes stay holes.
    pub fn write_to_file(
        &self,
        content: &Content,
        file: &File,
        threads: usize,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<()> {
        let _ = (content, file, threads, progress, cancel);
        Ok(())
    }

    /// The entries of a directory in the order of their names, page by page.
    pub fn entries(&self, directory: &DirectoryRef) -> DirectoryEntries<'_> {
        let _ = directory;
        DirectoryEntries { _reader: PhantomData }
    }

    /// The entries of a directory whose names are greater than `name`, for paging.
    pub fn entries_after(&self, directory: &DirectoryRef, name: &[u8]) -> DirectoryEntries<'_> {
        let _ = (directory, name);
        DirectoryEntries { _reader: PhantomData }
    }

    /// The entry of that name. Costs O(log n) pages.
    pub fn lookup(&self, directory: &DirectoryRef, name: &[u8]) -> Result<Option<Entry>> {
        let _ = (directory, name);
        Ok(None)
    }

    /// The entry at a path of names joined by `/`, relative to `directory`; `None` when any part is absent. The empty
    /// path has no entry.
    pub fn lookup_path(&self, directory: &DirectoryRef, path: &[u8]) -> Result<Option<Entry>> {
        let _ = (directory, path);
        Ok(None)
    }
}

/// The entries of a directory, in the order of their names.
#[derive(Debug)]
pub struct DirectoryEntries<'r> {
    _reader: PhantomData<&'r Reader>,
}

impl Iterator for DirectoryEntries<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

/// A stream over stored content. Holes read as zeros.
#[derive(Debug)]
pub struct ContentReader {
    reader: Reader,
    content: Content,
}

impl io::Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read_at(&self.content, 0, buffer).map_err(io::Error::other)
    }
}

impl io::Seek for ContentReader {
    fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
        let _ = position;
        Ok(0)
    }
}
