//! What all lanes of a capture share: which chunks are known, the open packs, the finished ones, the first error.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::error::{RepositoryError, Result};
use crate::garbage::Endangered;
use crate::id::{ChunkId, ChunkPrefix, IndexId};
use crate::index::{IndexedPack, encode_index};
use crate::object::{self, ObjectKind};
use crate::pack::{ChunkInfo, PACK_TARGET_BYTES, PackClass, PackInfo, PackWriter};
use crate::repository::Shared;
use crate::uptime::Stopwatch;
use crate::writer::finisher::{Finisher, PackSink};
use crate::writer::lane::LaneState;
use crate::writer::options::{WriteStats, WriterOptions};

/// An index object is written when this many chunks have become durable, so that a capture that is repeated after
/// a crash finds most of them.
const INDEX_CHUNKS: usize = 100_000;

/// Ids are keyed hashes; their first bytes are as good as any hash of them.
#[derive(Default)]
pub(crate) struct PrefixHasher(u64);

impl Hasher for PrefixHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(head) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*head);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

pub(crate) type PrefixSet = HashSet<ChunkPrefix, BuildHasherDefault<PrefixHasher>>;

/// Packs that are durable and not yet in an index object.
#[derive(Debug, Default)]
struct Durable {
    packs: Vec<IndexedPack>,
    chunks: usize,
}

#[derive(Debug, Default)]
struct Counters {
    read_bytes: AtomicU64,
    new_bytes: AtomicU64,
    stored_bytes: AtomicU64,
    new_chunks: AtomicU64,
    known_chunks: AtomicU64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: WriterOptions,
    /// When `endangered` was read.
    pub(crate) read_at: Mutex<Stopwatch>,
    /// Packs that a collection may remove: what they hold counts as absent.
    pub(crate) endangered: RwLock<Endangered>,
    index_is_fresh: AtomicBool,
    /// Chunks of this session that are not in the index yet.
    pending: Mutex<PrefixSet>,
    #[expect(
        clippy::vec_box,
        reason = "a lane holds its state by this box; moving it in and out costs nothing"
    )]
    lanes: Mutex<Vec<Box<LaneState>>>,
    open_packs: Mutex<Vec<(PackClass, PackWriter)>>,
    /// Held while a block is appended, by class, as long as one pack of each class is enough.
    one_pack: [Mutex<()>; 2],
    durable: Mutex<Durable>,
    counters: Counters,
    failed: AtomicBool,
    first_error: Mutex<Option<RepositoryError>>,
    /// Threads that may still be started to help with large files.
    helpers: AtomicUsize,
}

impl std::fmt::Debug for PackWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PackWriter({} bytes)", self.size())
    }
}

impl Session {
    /// Begins a session. What collections tell of packs is read before anything else.
    pub(crate) fn begin(shared: Arc<Shared>, options: WriterOptions) -> Result<Self> {
        let read_at = Stopwatch::start(&options.uptime);
        let endangered = Endangered::read(&*shared.store)?;
        let helpers = AtomicUsize::new(options.threads.saturating_sub(1));
        Ok(Self {
            shared,
            options,
            read_at: Mutex::new(read_at),
            endangered: RwLock::new(endangered),
            index_is_fresh: AtomicBool::new(false),
            pending: Mutex::default(),
            lanes: Mutex::default(),
            open_packs: Mutex::default(),
            one_pack: Default::default(),
            durable: Mutex::default(),
            counters: Counters::default(),
            failed: AtomicBool::new(false),
            first_error: Mutex::default(),
            helpers,
        })
    }

    /// The error of the session, when it has failed.
    pub(crate) fn check(&self) -> Result<()> {
        self.options.cancel.check()?;
        if self.failed.load(Ordering::Relaxed) {
            return Err(self.first_error.lock().take().unwrap_or(RepositoryError::SessionFailed));
        }
        Ok(())
    }

    /// Marks the session as failed when `result` is an error of the store.
    pub(crate) fn noting<T>(&self, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        result
    }

    pub(crate) fn stats(&self) -> WriteStats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriteStats {
            read_bytes: of(&self.counters.read_bytes),
            new_bytes: of(&self.counters.new_bytes),
            stored_bytes: of(&self.counters.stored_bytes),
            new_chunks: of(&self.counters.new_chunks),
            known_chunks: of(&self.counters.known_chunks),
        }
    }

    /// Whether the caller must store this chunk: true once per session for a chunk that the repository lacks.
    pub(crate) fn claim(&self, id: &ChunkId, length: usize) -> Result<bool> {
        if !self.index_is_fresh.load(Ordering::Acquire) {
            self.noting(self.freshen_index())?;
        }
        let is_new = {
            let mut pending = self.pending.lock();
            !pending.contains(&id.prefix()) && !self.is_stored(id) && pending.insert(id.prefix())
        };
        let add = |counter: &AtomicU64, value: u64| {
            counter.fetch_add(value, Ordering::Relaxed);
        };
        add(&self.counters.read_bytes, length as u64);
        if is_new {
            add(&self.counters.new_bytes, length as u64);
            add(&self.counters.new_chunks, 1);
        } else {
            add(&self.counters.known_chunks, 1);
        }
        Ok(is_new)
    }

    /// Whether a chunk lies in a pack that no collection may remove.
    pub(crate) fn is_stored(&self, id: &ChunkId) -> bool {
        let index = self.shared.index.read();
        let endangered = self.endangered.read();
        if endangered.packs.is_empty() {
            return index.contains(id);
        }
        index.find(id).is_some_and(|place| !endangered.packs.contains(&index.block(place.block).pack))
    }

    #[cold]
    fn freshen_index(&self) -> Result<()> {
        let _one_thread_refreshes = self.read_at.lock();
        if !self.index_is_fresh.load(Ordering::Acquire) {
            self.shared.refresh_index()?;
            self.shared.index.prefer_outside(&self.endangered.read().packs);
            self.index_is_fresh.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Reads again what collections tell of packs, and the index; what is endangered now counts as absent from now on.
    pub(crate) fn read_garbage_again(&self) -> Result<()> {
        let now = Stopwatch::start(&self.options.uptime);
        let endangered = Endangered::read(&*self.shared.store)?;
        self.shared.refresh_index()?;
        self.shared.index.prefer_outside(&endangered.packs);
        *self.endangered.write() = endangered;
        *self.read_at.lock() = now;
        Ok(())
    }

    /// Whether collections may have forgotten by now what they told since `endangered` was read.
    pub(crate) fn is_late(&self) -> bool {
        let grace = Duration::from_secs(self.shared.config.collect_grace_seconds);
        // Without a grace period nobody promised to remember anything.
        !grace.is_zero() && self.read_at.lock().elapsed() > grace
    }

    /// A lane's buffers: those of a lane that was dropped, or new ones.
    pub(crate) fn take_lane(&self) -> Box<LaneState> {
        self.lanes.lock().pop().unwrap_or_default()
    }

    pub(crate) fn return_lane(&self, lane: Box<LaneState>) {
        self.lanes.lock().push(lane);
    }

    /// Takes up to `wanted` of the threads that may help; see [`Session::return_helpers`].
    pub(crate) fn take_helpers(&self, wanted: usize) -> usize {
        let mut taken = 0;
        let _ = self.helpers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
            taken = wanted.min(free);
            Some(free - taken)
        });
        taken
    }

    pub(crate) fn return_helpers(&self, count: usize) {
        self.helpers.fetch_add(count, Ordering::Relaxed);
    }

    /// Seals `encoded` into an open pack of `class`.
    pub(crate) fn append_block(
        &self,
        finisher: &Finisher,
        class: PackClass,
        encoded: &mut Vec<u8>,
        encoding: crate::block::Encoding,
        chunks: &[ChunkInfo<ChunkId>],
    ) -> Result<()> {
        // Lanes of a small capture share its packs, since each pack costs two syncs; those of a large one do not wait.
        let is_small = self.counters.stored_bytes.load(Ordering::Relaxed) < PACK_TARGET_BYTES;
        let _shared = is_small.then(|| self.one_pack[class as usize].lock());
        let mut pack = self.take_pack(class)?;
        pack.append(encoded, encoding, chunks)?;
        self.counters.stored_bytes.fetch_add(encoded.len() as u64, Ordering::Relaxed);
        if pack.size() >= PACK_TARGET_BYTES {
            finisher.finish(pack);
        } else {
            self.open_packs.lock().push((class, pack));
        }
        Ok(())
    }

    fn take_pack(&self, class: PackClass) -> Result<PackWriter> {
        let open = {
            let mut packs = self.open_packs.lock();
            let found = packs.iter().position(|(found, _)| *found == class);
            found.map(|place| packs.swap_remove(place).1)
        };
        if let Some(pack) = open {
            return Ok(pack);
        }
        let mut salt = [0; 32];
        self.shared.rng.fill(&mut salt);
        PackWriter::create(&*self.shared.store, &self.shared.keys, class, salt)
    }

    /// Makes everything durable that any lane was given: packs first, then the index.
    pub(crate) fn flush(&self, finisher: &Finisher) -> Result<()> {
        self.check()?;
        for mut lane in std::mem::take(&mut *self.lanes.lock()) {
            lane.flush(self, finisher)?;
        }
        for (_, pack) in std::mem::take(&mut *self.open_packs.lock()) {
            finisher.finish(pack);
        }
        finisher.wait();
        self.check()?;
        let durable = std::mem::take(&mut *self.durable.lock());
        self.write_index(durable.packs)
    }

    /// Writes an index object of durable packs, and only then lets anybody find their chunks.
    fn write_index(&self, mut packs: Vec<IndexedPack>) -> Result<()> {
        if packs.is_empty() {
            return Ok(());
        }
        if self.is_late() {
            packs = self.still_there(packs)?;
        }
        // Packs become durable in any order; their object has one.
        packs.sort_unstable_by_key(|pack| pack.id);
        let shared = &self.shared;
        let plain = encode_index(packs.iter());
        let (bytes, name) = object::seal(&shared.keys, &*shared.rng, ObjectKind::Index, &plain)?;
        let id = IndexId::from_bytes(name);
        shared.store.put(&id.object_name(), &bytes)?;
        shared.index.register(id, &packs)?;
        let mut pending = self.pending.lock();
        for chunk in packs.iter().flat_map(|pack| &pack.chunks) {
            pending.remove(&chunk.id);
        }
        Ok(())
    }

    /// Those packs that are there: no index told of them so far, so a collection may have taken them for remains.
    fn still_there(&self, packs: Vec<IndexedPack>) -> Result<Vec<IndexedPack>> {
        let mut found = Vec::with_capacity(packs.len());
        for pack in packs {
            if self.shared.store.head(&pack.id.object_name())?.is_some() {
                found.push(pack);
            }
        }
        Ok(found)
    }
}

impl PackSink for Session {
    fn durable(&self, pack: PackInfo<ChunkId>) -> Result<()> {
        let blocks: u64 = pack.blocks.iter().map(|block| u64::from(block.stored_bytes)).sum();
        self.counters.stored_bytes.fetch_add(pack.size - blocks, Ordering::Relaxed);
        let shorten = |chunk: ChunkInfo<ChunkId>| ChunkInfo { id: chunk.id.prefix(), length: chunk.length };
        let pack = IndexedPack {
            id: pack.id,
            salt: pack.salt,
            class: pack.class,
            size: pack.size,
            blocks: pack.blocks,
            chunks: pack.chunks.into_iter().map(shorten).collect(),
        };
        let full = {
            let mut durable = self.durable.lock();
            durable.chunks += pack.chunks.len();
            durable.packs.push(pack);
            (durable.chunks >= INDEX_CHUNKS).then(|| std::mem::take(&mut *durable))
        };
        full.map_or(Ok(()), |durable| self.write_index(durable.packs))
    }

    fn failed(&self, error: RepositoryError) {
        let mut first = self.first_error.lock();
        if !self.failed.swap(true, Ordering::Relaxed) {
            *first = Some(error);
        }
    }
}
