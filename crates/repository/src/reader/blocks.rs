//! From a chunk's id to its bytes: find the block, open it, decode it, check the hash.

use std::cell::RefCell;

use backstay_store::StoreErrorKind;
use bytes::Bytes;

use crate::block::BlockDecoder;
use crate::error::{RepositoryError, Result};
use crate::id::ChunkId;
use crate::index::{BlockPlace, ChunkPlace, Index};
use crate::limits::MAX_BLOCK_BYTES;
use crate::pack::block_bound_to;
use crate::repository::Shared;
use crate::wire::Malformed;

/// What a thread needs to decode blocks, kept from block to block.
struct Scratch {
    decoder: BlockDecoder,
    opened: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> =
        RefCell::new(Scratch { decoder: BlockDecoder::new(), opened: Vec::new() });
}

/// A block as the index knows it, with the associated data of its seal.
pub(crate) struct FoundBlock {
    pub(crate) place: BlockPlace,
    pub(crate) bound_to: Vec<u8>,
}

impl FoundBlock {
    /// Copies what is known of a block, so that the index need not stay locked.
    pub(crate) fn of(index: &Index, block: u32) -> Self {
        let place = index.block(block);
        let mut bound_to = Vec::new();
        let encoding = place.encoding.to_byte();
        block_bound_to(&mut bound_to, place.number, place.offset, encoding, index.block_chunks(block));
        Self { place, bound_to }
    }

    fn damaged(&self, reason: &'static str) -> RepositoryError {
        RepositoryError::Damaged {
            object: self.place.pack.object_name().to_string(),
            offset: Some(self.place.offset.into()),
            chunk: None,
            reason,
        }
    }

    /// The bytes of the sealed block on the store.
    pub(crate) fn range(&self) -> std::ops::Range<u64> {
        let start = u64::from(self.place.offset);
        start..start + u64::from(self.place.stored_bytes)
    }

    /// Opens and decodes the sealed bytes of this block.
    pub(crate) fn open(&self, shared: &Shared, sealed: &[u8]) -> Result<Vec<u8>> {
        let place = &self.place;
        let length = place.raw_bytes as usize;
        if length > MAX_BLOCK_BYTES {
            return Err(self.damaged("a block is too large"));
        }
        SCRATCH.with_borrow_mut(|scratch| {
            shared
                .keys
                .pack_sealer(&place.salt)
                .open(place.number.into(), &self.bound_to, sealed, &mut scratch.opened)
                .map_err(|_| self.damaged("a block is not authentic"))?;
            let mut raw = Vec::new();
            scratch
                .decoder
                .decode(place.encoding, &mut scratch.opened, length, &mut raw)
                .map_err(|Malformed(reason)| self.damaged(reason))?;
            Ok(raw)
        })
    }

    /// Reads, opens and decodes the block.
    pub(crate) fn read(&self, shared: &Shared) -> Result<Bytes> {
        let sealed = shared.store.get_range(&self.place.pack.object_name(), self.range())?;
        self.open(shared, &sealed).map(Bytes::from)
    }
}

/// The bytes of a chunk, verified.
pub(crate) fn chunk(shared: &Shared, id: &ChunkId) -> Result<Bytes> {
    shared.load_index()?;
    match find_and_read(shared, id) {
        Err(error) if is_missing(&error) => {
            // A collection may have moved the chunk since the index was read.
            shared.refresh_index()?;
            match find_and_read(shared, id) {
                Err(RepositoryError::Store(error))
                    if error.kind == StoreErrorKind::NotFound
                        && shared.index.leave_out_missing_packs(&*shared.store, &shared.keys)? =>
                {
                    match find_and_read(shared, id) {
                        // No other pack has it: the missing one is what there is to tell of.
                        Err(RepositoryError::MissingChunk { .. }) => Err(RepositoryError::Store(error)),
                        result => result,
                    }
                }
                result => result,
            }
            .map_err(|error| explain(error, id))
        }
        result => result,
    }
}

fn is_missing(error: &RepositoryError) -> bool {
    match error {
        RepositoryError::MissingChunk { .. } => true,
        RepositoryError::Store(error) => {
            matches!(error.kind, StoreErrorKind::NotFound | StoreErrorKind::OutOfRange)
        }
        _ => false,
    }
}

/// A pack that is missing or too short is damage of the repository, not a failure of the store.
fn explain(error: RepositoryError, id: &ChunkId) -> RepositoryError {
    let RepositoryError::Store(error) = error else { return error };
    let reason = match error.kind {
        StoreErrorKind::NotFound => "it is missing",
        StoreErrorKind::OutOfRange => "it ends too early",
        _ => return RepositoryError::Store(error),
    };
    RepositoryError::Damaged { object: error.subject, offset: None, chunk: Some(*id), reason }
}

fn find_and_read(shared: &Shared, id: &ChunkId) -> Result<Bytes> {
    let (place, found): (ChunkPlace, FoundBlock) = {
        let index = shared.index.read();
        let place = index.find(id).ok_or(RepositoryError::MissingChunk { chunk: *id })?;
        (place, FoundBlock::of(&index, place.block))
    };
    let key = (found.place.pack, found.place.number);
    let block = shared.cache.get(key, || found.read(shared)).map_err(|error| match error {
        RepositoryError::Damaged { object, offset, reason, .. } => {
            RepositoryError::Damaged { object, offset, reason, chunk: Some(*id) }
        }
        error => error,
    })?;
    let start = place.offset as usize;
    let data = block.slice(start..start + place.length as usize);
    if shared.keys.chunk_id(&data) != *id {
        return Err(RepositoryError::Damaged {
            object: found.place.pack.object_name().to_string(),
            offset: Some(found.place.offset.into()),
            chunk: Some(*id),
            reason: "a chunk does not match its id",
        });
    }
    Ok(data)
}
