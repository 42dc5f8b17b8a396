//! Writing index objects anew: without some packs, and merged when there are many small ones.

use std::collections::HashSet;

use crate::error::{RepositoryError, Result};
use crate::id::{IndexId, PackId};
use crate::index::{IndexedPack, encode_index, read_index};
use crate::maintenance::survey::Survey;
use crate::object::{self, ObjectKind};
use crate::repository::Shared;

/// An index object is closed when it is about this long before compression.
const OBJECT_BYTES: usize = 8 << 20;

/// Small index objects are merged when there are at least this many.
const MERGE_FROM: usize = 16;

/// An index object of fewer packs is a small one.
const SMALL_PACKS: usize = 64;

/// Writes index objects of packs, one after the other.
pub(crate) struct IndexWriter<'s> {
    shared: &'s Shared,
    waiting: Vec<IndexedPack>,
    waiting_bytes: usize,
    pub(crate) written: Vec<IndexId>,
}

impl<'s> IndexWriter<'s> {
    pub(crate) fn new(shared: &'s Shared) -> Self {
        Self { shared, waiting: Vec::new(), waiting_bytes: 0, written: Vec::new() }
    }

    pub(crate) fn add(&mut self, pack: IndexedPack) -> Result<()> {
        self.waiting_bytes += 100 + 16 * pack.blocks.len() + 20 * pack.chunks.len();
        self.waiting.push(pack);
        if self.waiting_bytes >= OBJECT_BYTES { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let plain = encode_index(self.waiting.iter());
        let (bytes, name) = object::seal(&self.shared.keys, &*self.shared.rng, ObjectKind::Index, &plain)?;
        let id = IndexId::from_bytes(name);
        self.shared.store.put(&id.object_name(), &bytes)?;
        self.written.push(id);
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<IndexId>> {
        self.close()?;
        Ok(self.written)
    }
}

/// Writes anew every index object that tells of a pack in `drop`, without those, and merges small ones when they are
/// many. The old objects are deleted when the new ones are durable; `may_delete` is asked before. Returns how many old
/// objects there were.
///
/// After an error, or when broken off, packs may stand in two objects; that does no harm.
pub(crate) fn replace_index(
    shared: &Shared,
    survey: &Survey,
    drop: &HashSet<PackId>,
    may_delete: &dyn Fn() -> Result<()>,
) -> Result<u64> {
    let is_small = |packs: &Vec<PackId>| packs.len() < SMALL_PACKS;
    let merge = survey.index_objects.values().filter(|packs| is_small(packs)).count() >= MERGE_FROM;
    let old: Vec<IndexId> = survey
        .index_objects
        .iter()
        .filter(|(_, packs)| packs.iter().any(|pack| drop.contains(pack)) || (merge && is_small(packs)))
        .map(|(id, _)| *id)
        .collect();
    if old.is_empty() {
        return Ok(0);
    }
    let mut writer = IndexWriter::new(shared);
    let mut seen = HashSet::new();
    for id in &old {
        let bytes = shared.store.get(&id.object_name()).map_err(RepositoryError::from)?;
        read_index(&shared.keys, *id, &bytes, |pack| {
            if drop.contains(&pack.id) || !seen.insert(pack.id) { Ok(()) } else { writer.add(pack) }
        })?;
    }
    writer.finish()?;
    may_delete()?;
    let names: Vec<_> = old.iter().map(IndexId::object_name).collect();
    shared.store.delete_many(&names)?;
    Ok(names.len() as u64)
}
