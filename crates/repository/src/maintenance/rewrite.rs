//! Storing chunks of packs again, in new packs.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::block::Encoding;
use crate::content::ContentHint;
use crate::error::{RepositoryError, Result};
use crate::id::PackId;
use crate::index::Index;
use crate::maintenance::pack_blocks::read_blocks;
use crate::maintenance::parallel;
use crate::pack::PackClass;
use crate::reader::blocks::FoundBlock;
use crate::repository::Shared;
use crate::writer::{Lane, Writer};

/// Blocks of a pack from which chunks are taken.
pub(crate) struct PackBlocks {
    pub(crate) pack: PackId,
    pub(crate) class: PackClass,
    pub(crate) blocks: Vec<u32>,
}

/// What to do with a block that cannot be read.
pub(crate) type OnError<'a> = dyn Fn(&FoundBlock, RepositoryError) -> Result<()> + Sync + 'a;

/// How a chunk of a block was encoded tells how it is best encoded again.
pub(crate) fn hint_of(encoding: Encoding) -> ContentHint {
    match encoding {
        Encoding::Stored => ContentHint::Incompressible,
        Encoding::Zstd => ContentHint::Auto,
        Encoding::Planes(_) => ContentHint::Array,
    }
}

/// Reads blocks, in the order in which they lie, and gives every chunk for which `wanted` holds to a lane of `writer`.
/// `stored` is told of the number of each and of the id it has there. Returns how many bytes of chunks there were.
pub(crate) fn store_again(
    shared: &Shared,
    index: &Index,
    packs: &[PackBlocks],
    writer: &Writer,
    wanted: &(dyn Fn(u32) -> bool + Sync),
    stored: &(dyn Fn(u32, crate::ChunkId) + Sync),
    on_error: &OnError<'_>,
) -> Result<u64> {
    let options = writer.options();
    let total = AtomicU64::new(0);
    parallel::for_each(packs, options.threads, |work| {
        options.progress.current(work.pack.object_name().as_str().as_bytes());
        let mut lane = writer.lane();
        read_blocks(shared, index, work.pack, &work.blocks, &options.cancel, &mut |block, found, raw| {
            let raw = match raw {
                Ok(raw) => raw,
                Err(error) => return on_error(found, error),
            };
            let mut rest = raw.as_slice();
            for (number, (_, length)) in (found.place.first_chunk..).zip(index.block_chunks(block)) {
                let (chunk, others) = rest.split_at(length as usize);
                rest = others;
                if wanted(number) {
                    stored(number, add(&mut lane, work.class, found, chunk)?);
                    total.fetch_add(u64::from(length), Ordering::Relaxed);
                }
            }
            Ok(())
        })
    })?;
    Ok(total.into_inner())
}

fn add(lane: &mut Lane<'_>, class: PackClass, found: &FoundBlock, chunk: &[u8]) -> Result<crate::ChunkId> {
    match class {
        PackClass::Tree => lane.add_page(chunk),
        PackClass::Data => lane.add(chunk, hint_of(found.place.encoding)),
    }
}
