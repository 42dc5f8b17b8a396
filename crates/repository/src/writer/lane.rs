//! One thread's way into a capture: hash, deduplicate, collect into blocks, compress, seal.

use std::io::Read;

use crate::block::{BlockEncoder, BlockForm, looks_incompressible};
use crate::content::{Content, ContentHint};
use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::limits::{MAX_BLOCK_CHUNKS, MAX_CHUNK_BYTES};
use crate::pack::{ChunkInfo, PackClass};
use crate::tree::{DirectoryBuilder, DirectoryRef, Entry};
use crate::writer::finisher::Finisher;
use crate::writer::random_access::RandomAccess;
use crate::writer::session::Session;
use crate::writer::{Writer, large};

/// A block of file content is closed when it has this many bytes.
const DATA_BLOCK_BYTES: usize = 1 << 20;

/// A block of a disk image is closed when it has this many bytes: images repeat themselves at some distance.
const IMAGE_BLOCK_BYTES: usize = 2 << 20;

/// A block of pages is closed when it has this many bytes: smaller, since pages are read one by one.
const TREE_BLOCK_BYTES: usize = 256 << 10;

/// The open blocks of a lane.
#[derive(Debug, Clone, Copy)]
enum Slot {
    General,
    Image,
    Array,
    Noise,
    Tree,
}

impl Slot {
    const ALL: [Self; 5] = [Self::General, Self::Image, Self::Array, Self::Noise, Self::Tree];

    /// How its blocks are encoded, and how many bytes close one.
    const fn form(self) -> (BlockForm, usize) {
        match self {
            Self::General => (BlockForm::General, DATA_BLOCK_BYTES),
            Self::Image => (BlockForm::Dense, IMAGE_BLOCK_BYTES),
            Self::Array => (BlockForm::Array, DATA_BLOCK_BYTES),
            Self::Noise => (BlockForm::Noise, DATA_BLOCK_BYTES),
            Self::Tree => (BlockForm::Dense, TREE_BLOCK_BYTES),
        }
    }
}

#[derive(Debug, Default)]
struct OpenBlock {
    raw: Vec<u8>,
    chunks: Vec<ChunkInfo<ChunkId>>,
}

/// The buffers of a lane, used by one lane after the other.
#[derive(Debug)]
pub(crate) struct LaneState {
    encoder: BlockEncoder,
    open: [OpenBlock; Slot::ALL.len()],
    encoded: Vec<u8>,
    /// A segment of a large file; see `large`.
    pub(crate) segment: Vec<u8>,
}

impl Default for LaneState {
    fn default() -> Self {
        Self {
            encoder: BlockEncoder::new(),
            open: Default::default(),
            encoded: Vec::new(),
            segment: Vec::new(),
        }
    }
}

impl LaneState {
    fn append(
        &mut self,
        session: &Session,
        finisher: &Finisher,
        slot: Slot,
        id: ChunkId,
        data: &[u8],
    ) -> Result<()> {
        let (_, limit) = slot.form();
        let block = &mut self.open[slot as usize];
        block.raw.extend_from_slice(data);
        block.chunks.push(ChunkInfo { id, length: data.len() as u32 });
        if block.raw.len() >= limit || block.chunks.len() >= MAX_BLOCK_CHUNKS {
            self.close(session, finisher, slot)?;
        }
        Ok(())
    }

    fn close(&mut self, session: &Session, finisher: &Finisher, slot: Slot) -> Result<()> {
        let block = &mut self.open[slot as usize];
        if block.chunks.is_empty() {
            return Ok(());
        }
        let (form, _) = slot.form();
        let class = if matches!(slot, Slot::Tree) { PackClass::Tree } else { PackClass::Data };
        let encoding = self.encoder.encode(form, &mut block.raw, &mut self.encoded);
        session.append_block(finisher, class, &mut self.encoded, encoding, &block.chunks)?;
        block.raw.clear();
        block.chunks.clear();
        Ok(())
    }

    /// Writes the open blocks into packs.
    pub(crate) fn flush(&mut self, session: &Session, finisher: &Finisher) -> Result<()> {
        Slot::ALL.into_iter().try_for_each(|slot| self.close(session, finisher, slot))
    }
}

/// One thread's way into a [`Writer`]: hashes, deduplicates, compresses and seals on the calling thread.
///
/// Lanes are cheap to take and to drop: their buffers return to the session, and what is not yet in a pack is written
/// by the next lane or by [`Writer::finish`]. When one lane fails because the store failed, the others fail with
/// [`RepositoryError::SessionFailed`]; the error of the first is the one to report.
#[derive(Debug)]
pub struct Lane<'w> {
    pub(crate) writer: &'w Writer,
    state: Option<Box<LaneState>>,
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take() {
            self.writer.session.return_lane(state);
        }
    }
}

impl<'w> Lane<'w> {
    pub(crate) fn new(writer: &'w Writer) -> Self {
        Self { writer, state: Some(writer.session.take_lane()) }
    }

    pub(crate) fn state(&mut self) -> &mut LaneState {
        self.state.as_mut().expect("a lane has its state until it is dropped")
    }

    /// Stores a chunk of 1 to [`MAX_CHUNK_BYTES`] bytes, unless it is stored already.
    pub fn add(&mut self, data: &[u8], hint: ContentHint) -> Result<ChunkId> {
        let slot = match hint {
            ContentHint::Array => Some(Slot::Array),
            ContentHint::Incompressible => Some(Slot::Noise),
            _ => None,
        };
        let compressible = if hint == ContentHint::Image { Slot::Image } else { Slot::General };
        let id = self.add_to(data, |data| {
            slot.unwrap_or_else(|| if looks_incompressible(data) { Slot::Noise } else { compressible })
        })?;
        self.writer.session.options.progress.advance(0, data.len() as u64);
        Ok(id)
    }

    /// Stores a page of a directory or of a content list.
    pub(crate) fn add_page(&mut self, page: &[u8]) -> Result<ChunkId> {
        self.add_to(page, |_| Slot::Tree)
    }

    fn add_to(&mut self, data: &[u8], slot: impl FnOnce(&[u8]) -> Slot) -> Result<ChunkId> {
        if data.is_empty() || data.len() > MAX_CHUNK_BYTES {
            let what = format!("a chunk of {} bytes", data.len());
            return Err(RepositoryError::Invalid { what, reason: "chunks have 1 byte to 4 MiB" });
        }
        let session = &self.writer.session;
        session.check()?;
        let id = session.shared.keys.chunk_id(data);
        if session.claim(&id, data.len())? {
            let state = self.state.as_mut().expect("a lane has its state until it is dropped");
            session.noting(state.append(session, &self.writer.finisher, slot(data), id, data))?;
        }
        Ok(id)
    }

    /// Stores the content of a small file that is in memory: the cheapest way. Larger content is cut into chunks.
    pub fn store_bytes(&mut self, data: &[u8], hint: ContentHint) -> Result<Content> {
        if data.is_empty() {
            return Ok(Content::empty());
        }
        if data.len() as u64 <= self.small_bytes() {
            let id = self.add(data, hint)?;
            return Ok(Content::of_chunk(id, data.len() as u32));
        }
        large::store_stream(self, &mut &data[..], hint)
    }

    /// Stores a file of `length` bytes, with the help of further threads when it is large. Holes stay holes.
    ///
    /// A file that ends early gives content that is shorter than `length`; the caller compares. A failed read is
    /// [`RepositoryError::Content`] and leaves the capture usable.
    pub fn store_file(
        &mut self,
        file: &(dyn RandomAccess + Sync),
        length: u64,
        hint: ContentHint,
    ) -> Result<Content> {
        large::store_file(self, file, length, hint)
    }

    /// Stores all that `stream` gives, with the help of further threads. A failed read is
    /// [`RepositoryError::Content`] and leaves the capture usable.
    pub fn store_stream(&mut self, stream: &mut (dyn Read + Send), hint: ContentHint) -> Result<Content> {
        large::store_stream(self, stream, hint)
    }

    /// Stores a directory whose entries are in memory, sorted by name. See [`DirectoryBuilder`] for more entries than
    /// that.
    pub fn store_directory(&mut self, entries: &[Entry]) -> Result<DirectoryRef> {
        let mut builder = DirectoryBuilder::new();
        entries.iter().try_for_each(|entry| builder.add(self, entry))?;
        builder.finish(self)
    }

    /// Up to this length a file is one chunk.
    pub(crate) fn small_bytes(&self) -> u64 {
        u64::from(self.writer.session.shared.config.chunking.average_bytes)
    }
}
