//! The data of snapshots, block by block.

use parking_lot::Mutex;

use super::{CopyOptions, live_of};
use crate::error::Result;
use crate::id::ChunkId;
use crate::maintenance::rewrite::{PackBlocks, store_again};
use crate::maintenance::survey::Survey;
use crate::manifest::Manifest;
use crate::pack::PackClass;
use crate::repository::Repository;

/// How many chunks share a lock.
const SHARD: usize = 1 << 16;

/// Which id each chunk has in the other repository.
pub(crate) struct DataCopy {
    /// By the number of the chunk here; all zeros for those that were not copied.
    ids: Vec<[u8; 32]>,
}

impl DataCopy {
    /// Copies every chunk of data that `manifests` reference, and makes them durable there.
    pub(crate) fn run<'m>(
        from: &Repository,
        survey: &Survey,
        to: &Repository,
        manifests: impl Iterator<Item = &'m Manifest>,
        options: &CopyOptions,
    ) -> Result<Self> {
        let live = live_of(from, survey, manifests, &options.cancel)?;
        let index = &survey.index;
        let is_wanted = |number: u32| live.chunks.contains(number);
        let mut work = Vec::new();
        let mut expected = 0;
        for (pack, class, _, blocks) in index.packs().filter(|(_, class, ..)| *class == PackClass::Data) {
            let mut wanted_blocks = Vec::new();
            for block in blocks {
                let first = index.block(block).first_chunk;
                let wanted: u64 = (first..)
                    .zip(index.block_chunks(block))
                    .filter(|(number, _)| is_wanted(*number))
                    .map(|(_, (_, length))| u64::from(length))
                    .sum();
                if wanted > 0 {
                    wanted_blocks.push(block);
                    expected += wanted;
                }
            }
            if !wanted_blocks.is_empty() {
                work.push(PackBlocks { pack, class, blocks: wanted_blocks });
            }
        }
        options.progress.expect(0, expected);
        let mut ids = vec![[0; 32]; index.chunk_count()];
        let writer = to.writer(options.writer_options())?;
        {
            let shards: Vec<Mutex<&mut [[u8; 32]]>> = ids.chunks_mut(SHARD).map(Mutex::new).collect();
            let note = |number: u32, id: ChunkId| {
                shards[number as usize / SHARD].lock()[number as usize % SHARD] = *id.as_bytes();
            };
            store_again(&from.shared, index, &work, &writer, &is_wanted, &note, &|_, error| Err(error))?;
        }
        writer.flush()?;
        Ok(Self { ids })
    }

    /// The id of a chunk in the other repository; `None` when it was not copied.
    pub(crate) fn id(&self, number: u32) -> Option<ChunkId> {
        self.ids.get(number as usize).filter(|id| **id != [0; 32]).map(|id| ChunkId::from_bytes(*id))
    }
}
