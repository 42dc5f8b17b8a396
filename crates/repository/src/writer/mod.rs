//! Writing: a capture session, its lanes, and the commit.

use std::fs::File;
use std::io;
use std::io::Read;
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use crate::content::{Content, ContentHint};
use crate::error::{RepositoryError, Result};
use crate::id::{ChunkId, ManifestId};
use crate::manifest::Manifest;
use crate::progress::{Cancel, NoProgress, Progress};
use crate::reader::Reader;
use crate::repository::Repository;
use crate::tree::{DirectoryRef, Entry};

/// How a capture writes.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// The manifest of the snapshot from which unchanged content will be taken over. Content and directories of this
    /// manifest, and of no other, may be referenced without being stored again.
    pub parent: Option<ManifestId>,
    /// How many threads may work at once, at least 1; by default that of the machine's cores.
    pub threads: usize,
    /// Told of every byte that is stored or found to be stored.
    pub progress: Arc<dyn Progress>,
    /// Stops the capture.
    pub cancel: Cancel,
}

impl Default for WriterOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { parent: None, threads, progress: Arc::new(NoProgress), cancel: Cancel::new() }
    }
}

/// What a capture wrote so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteStats {
    /// Bytes of content and directories that were looked at.
    pub read_bytes: u64,
    /// Bytes of those in chunks that were new to the repository.
    pub new_bytes: u64,
    /// Bytes that the packs grew by.
    pub stored_bytes: u64,
    /// Chunks that were new.
    pub new_chunks: u64,
    /// Chunks that were there already.
    pub known_chunks: u64,
}

/// The answer of a finished capture.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The root manifest: durable.
    pub id: ManifestId,
    /// The manifest as written, with its sizes.
    pub manifest: Manifest,
    /// What was written for it.
    pub stats: WriteStats,
}

/// Something of known length that can be read at any offset from several threads: a file or a device.
pub trait RandomAccess: Sync {
    /// Reads up to `buffer.len()` bytes at `offset`; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The next range of data at or after `offset`; what lies before it is a hole. `None` when only a hole or the
    /// end follows. The default is that there are no holes.
    fn next_data(&self, offset: u64, length: u64) -> io::Result<Option<Range<u64>>> {
        Ok((offset < length).then_some(offset..length))
    }
}

impl RandomAccess for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

/// A capture session. It is shared between threads; each stores through a [`Lane`] of its own.
///
/// Nothing of it is visible until [`Writer::finish`]. Dropping it leaves packs that nothing references; they serve a
/// repetition of the capture, and a collection removes them after the grace period.
#[derive(Debug)]
pub struct Writer {
    options: WriterOptions,
    repository: Repository,
}

impl Writer {
    pub(crate) fn begin(repository: &Repository, options: WriterOptions) -> Result<Self> {
        Ok(Self { options, repository: repository.clone() })
    }

    /// The parent of [`WriterOptions::parent`], when it still exists. Read through this, its content may be taken over.
    pub fn parent(&self) -> Option<&Manifest> {
        None
    }

    /// A lane for the calling thread.
    pub fn lane(&self) -> Lane<'_> {
        Lane { _writer: PhantomData }
    }

    /// A reader of the repository, for example of the parent's tree.
    pub fn reader(&self) -> Reader {
        self.repository.reader()
    }

    /// What was written so far.
    pub fn stats(&self) -> WriteStats {
        WriteStats::default()
    }

    /// The options of the session.
    pub fn options(&self) -> &WriterOptions {
        &self.options
    }

    /// Commits the capture: makes the packs durable, then the index, then the manifest.
    ///
    /// When it returns, the snapshot can be restored from the repository alone. After an error there is no manifest.
    /// `new_bytes` and `stored_bytes` of the manifest are set here.
    pub fn finish(self, manifest: Manifest) -> Result<Receipt> {
        let _ = manifest;
        Err(RepositoryError::SessionFailed)
    }
}

/// One thread's way into a [`Writer`]: hashes, deduplicates, compresses and seals on the calling thread.
///
/// Lanes are cheap to take and to drop: their buffers return to the session, and what is not yet in a pack is written
/// by the next lane or by [`Writer::finish`].
#[derive(Debug)]
pub struct Lane<'w> {
    _writer: PhantomData<&'w Writer>,
}

impl Lane<'_> {
    /// Stores a chunk of at most [`crate::MAX_CHUNK_BYTES`], unless it is stored already.
    pub fn add(&mut self, data: &[u8], hint: ContentHint) -> Result<ChunkId> {
        let _ = (data, hint);
        Err(RepositoryError::SessionFailed)
    }

    /// Stores the content of a small file that is in memory: the cheapest way. Larger content is cut into chunks.
    pub fn store_bytes(&mut self, data: &[u8], hint: ContentHint) -> Result<Content> {
        let _ = (data, hint);
        Err(RepositoryError::SessionFailed)
    }

    /// Stores a file of `length` bytes, with the help of further threads when it is large. Holes stay holes.
    ///
    /// A file that ends early gives content that is shorter than `length`; the caller compares.
    pub fn store_file(
        &mut self,
        file: &(dyn RandomAccess + Sync),
        length: u64,
        hint: ContentHint,
    ) -> Result<Content> {
        let _ = (file, length, hint);
        Err(RepositoryError::SessionFailed)
    }

    /// Stores all that `stream` gives, with the help of further threads.
    pub fn store_stream(&mut self, stream: &mut (dyn Read + Send), hint: ContentHint) -> Result<Content> {
        let _ = (stream, hint);
        Err(RepositoryError::SessionFailed)
    }

    /// Stores a directory whose entries are in memory, sorted by name. See [`crate::DirectoryBuilder`] for more
    /// entries than that.
    pub fn store_directory(&mut self, entries: &[Entry]) -> Result<DirectoryRef> {
        let _ = entries;
        Err(RepositoryError::SessionFailed)
    }
}
