//! Reading the data: every block, or some, and the footers.

use super::report::DamagedObject;
use super::structure::Structure;
use super::{Verification, VerifyDepth};
use crate::error::{RepositoryError, Result};
use crate::id::PackId;
use crate::maintenance::pack_blocks::read_blocks;
use crate::maintenance::parallel;
use crate::maintenance::survey::is_damage;
use crate::pack::{PackClass, read_footer};
use crate::reader::blocks::FoundBlock;

/// The blocks of a pack that are read.
struct PackWork {
    pack: PackId,
    class: PackClass,
    size: u64,
    all_blocks: std::ops::Range<u32>,
    blocks: Vec<u32>,
    bytes: u64,
}

impl Verification<'_> {
    pub(super) fn check_data(&self, structure: &Structure) -> Result<()> {
        if self.options.depth == VerifyDepth::Structure {
            return Ok(());
        }
        let work = self.choose(structure);
        self.options.progress.expect(0, work.iter().map(|work| work.bytes).sum());
        parallel::for_each(&work, self.options.threads, |work| self.check_pack(work))
    }

    fn choose(&self, structure: &Structure) -> Vec<PackWork> {
        let index = &self.survey.index;
        let mut chosen = Vec::new();
        for (pack, class, size, all_blocks) in index.packs() {
            let wanted = |block: &u32| {
                let place = index.block(*block);
                let needed = self.options.manifests.is_none()
                    || (place.first_chunk..place.first_chunk + place.chunk_count)
                        .any(|chunk| structure.live.chunks.contains(chunk));
                needed && self.sampled(&pack, *block)
            };
            let blocks: Vec<u32> = all_blocks.clone().filter(wanted).collect();
            let bytes = blocks.iter().map(|block| u64::from(index.block(*block).stored_bytes)).sum();
            if !blocks.is_empty() || self.options.manifests.is_none() {
                chosen.push(PackWork { pack, class, size, all_blocks, blocks, bytes });
            }
        }
        chosen
    }

    /// Whether chance chose this block. The numbers of packs are random, so is a hash of them.
    fn sampled(&self, pack: &PackId, block: u32) -> bool {
        let VerifyDepth::Sample(percent) = self.options.depth else { return true };
        let mut hasher = blake3::Hasher::new();
        hasher.update(pack.as_bytes());
        hasher.update(&block.to_le_bytes());
        hasher.update(&self.sample_seed);
        u32::from(hasher.finalize().as_bytes()[0]) * 100 < 256 * u32::from(percent.get())
    }

    fn check_pack(&self, work: &PackWork) -> Result<()> {
        self.options.progress.current(work.pack.object_name().as_str().as_bytes());
        self.check_footer(work)?;
        let (mut read, mut checked) = (0, 0);
        let index = &self.survey.index;
        read_blocks(
            self.shared,
            index,
            work.pack,
            &work.blocks,
            &self.options.cancel,
            &mut |block, found, raw| {
                self.options.progress.advance(0, u64::from(found.place.stored_bytes));
                read += u64::from(found.place.stored_bytes);
                checked += 1;
                match raw.and_then(|raw| self.check_chunks(found, block, &raw)) {
                    Ok(()) => Ok(()),
                    Err(error) if is_damage(&error) => {
                        self.note_block(found, &error);
                        Ok(())
                    }
                    Err(error) => Err(error),
                }
            },
        )?;
        let mut report = self.report.lock();
        report.read_bytes += read;
        report.checked_blocks += checked;
        Ok(())
    }

    /// The hash of every chunk of a block.
    fn check_chunks(&self, found: &FoundBlock, block: u32, raw: &[u8]) -> Result<()> {
        let mut rest = raw;
        for (prefix, length) in self.survey.index.block_chunks(block) {
            let (chunk, others) = rest.split_at(length as usize);
            rest = others;
            let id = self.shared.keys.chunk_id(chunk);
            if id.prefix() != prefix {
                return Err(RepositoryError::Damaged {
                    object: found.place.pack.object_name().to_string(),
                    offset: Some(found.place.offset.into()),
                    chunk: None,
                    reason: "a chunk does not match its id",
                });
            }
        }
        Ok(())
    }

    fn note_block(&self, found: &FoundBlock, error: &RepositoryError) {
        let mut damaged = DamagedObject::of(error, &found.place.pack.object_name());
        damaged.offset = Some(found.place.offset.into());
        self.report.lock().damaged.push(damaged);
        let mut bad = self.bad.lock();
        let place = &found.place;
        (place.first_chunk..place.first_chunk + place.chunk_count).for_each(|chunk| {
            bad.insert(chunk);
        });
    }

    /// The footer tells the same as the index; without it the index could not be rebuilt.
    fn check_footer(&self, work: &PackWork) -> Result<()> {
        let index = &self.survey.index;
        let Some(object) = self.survey.packs.get(&work.pack) else { return Ok(()) };
        let footer = match read_footer(&*self.shared.store, &self.shared.keys, work.pack, object.size) {
            Ok(footer) => footer,
            Err(error) if is_damage(&error) => {
                self.report.lock().damaged.push(DamagedObject::of(&error, &work.pack.object_name()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let indexed = work.all_blocks.clone().flat_map(|block| index.block_chunks(block));
        let stored = footer.chunks.iter().map(|chunk| (chunk.id.prefix(), chunk.length));
        if footer.class != work.class || footer.size != work.size || !stored.eq(indexed) {
            self.report
                .lock()
                .damaged
                .push(DamagedObject::new(&work.pack.object_name(), "its footer and the index disagree"));
        }
        Ok(())
    }
}
