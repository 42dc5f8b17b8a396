//! The first phase: marking what nothing references, and storing again what little is referenced of a pack.

use std::collections::HashSet;

use super::Collection;
use crate::error::Result;
use crate::garbage::marker_name;
use crate::maintenance::rewrite::{PackBlocks, store_again};
use crate::maintenance::usage::{Usage, usage};
use crate::pack::PACK_TARGET_BYTES;
use crate::writer::WriterOptions;

/// A pack shorter than this is a small one; captures of little leave them.
const SMALL_PACK_BYTES: u64 = PACK_TARGET_BYTES / 16;

/// Small packs are rewritten into larger ones when there are at least this many.
const MANY_SMALL_PACKS: usize = 64;

impl Collection<'_> {
    pub(super) fn mark(&mut self) -> Result<()> {
        let packs = &self.survey.packs;
        let may_be_marked = |pack: &crate::PackId| {
            !self.survey.markers.contains_key(pack)
                && packs.get(pack).is_some_and(|object| self.times.age(object.modified) >= self.times.grace)
        };
        let mut unused = Vec::new();
        let mut partly_used = Vec::new();
        for usage in usage(&self.survey.index, &self.live) {
            match may_be_marked(&usage.pack) {
                true if usage.used_chunks == 0 => unused.push((usage.pack, usage.size)),
                true => partly_used.push(usage),
                false => {}
            }
        }
        // Packs of captures that were broken off before they told the index of them.
        let unindexed = packs.iter().filter(|(pack, _)| self.survey.index.pack_number(pack).is_none());
        unused.extend(
            unindexed.filter(|(pack, _)| may_be_marked(pack)).map(|(pack, object)| (*pack, object.size)),
        );
        let rewrite = self.choose(partly_used);
        self.check_time()?;
        let chosen = rewrite.iter().map(|usage| (usage.pack, usage.size));
        for (pack, size) in unused.iter().copied().chain(chosen) {
            self.options.cancel.check()?;
            self.shared.store.put(&marker_name(&pack), b"marked")?;
            self.report.marked_packs += 1;
            self.report.marked_bytes += size;
        }
        self.rewrite(&rewrite)
    }

    /// Chooses packs to rewrite: the emptiest first, until what stays unreferenced is little enough; and small ones.
    fn choose(&mut self, mut packs: Vec<Usage>) -> Vec<Usage> {
        let stored: u64 = packs.iter().map(|usage| usage.size).sum();
        let allowed = stored / 100 * u64::from(self.options.max_unused_percent.min(100));
        let mut unused: u64 = packs.iter().map(Usage::unused_stored_bytes).sum();
        let small = packs.iter().filter(|usage| usage.size < SMALL_PACK_BYTES).count();
        let emptiness = |usage: &Usage| usage.unused_stored_bytes() * 1000 / usage.size.max(1);
        packs.sort_by_key(|usage| (std::cmp::Reverse(emptiness(usage)), usage.pack));
        let mut chosen = Vec::new();
        for usage in packs {
            let is_too_empty = unused > allowed && usage.unused_stored_bytes() > 0;
            if is_too_empty || (small >= MANY_SMALL_PACKS && usage.size < SMALL_PACK_BYTES) {
                unused -= usage.unused_stored_bytes();
                chosen.push(usage);
            }
        }
        self.report.unused_bytes = unused;
        chosen
    }

    /// Stores the referenced chunks of packs again. The markers are written before, so the writer takes those packs
    /// for absent; when this is broken off, the next sweep takes the marks back.
    fn rewrite(&mut self, packs: &[Usage]) -> Result<()> {
        if packs.is_empty() {
            return Ok(());
        }
        let index = &self.survey.index;
        let is_used = |number: u32| self.live.chunks.contains(number);
        let chosen: HashSet<_> = packs.iter().map(|usage| usage.pack).collect();
        let work: Vec<PackBlocks> = index
            .packs()
            .filter(|(pack, ..)| chosen.contains(pack))
            .map(|(pack, class, _, blocks)| {
                let has_used = |block: &u32| {
                    let place = index.block(*block);
                    (place.first_chunk..place.first_chunk + place.chunk_count).any(is_used)
                };
                PackBlocks { pack, class, blocks: blocks.filter(has_used).collect() }
            })
            .collect();
        let expected = packs.iter().map(|usage| usage.used_bytes).sum();
        self.options.progress.expect(0, expected);
        let writer = self.repository.writer(WriterOptions {
            parent: None,
            threads: self.options.threads,
            progress: self.options.progress.clone(),
            cancel: self.options.cancel.clone(),
            uptime: self.options.uptime.clone(),
        })?;
        let refuse = |_: &_, error| Err(error);
        self.report.rewritten_bytes =
            store_again(self.shared, index, &work, &writer, &is_used, &|_, _| {}, &refuse)?;
        self.report.rewritten_packs = packs.len() as u64;
        writer.flush()
    }
}
