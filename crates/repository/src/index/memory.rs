//! The index in memory: about 30 bytes per chunk.
//!
//! Chunks are kept in the order in which they lie in their packs, so that a block is a range of them; an open
//! addressing table of 32-bit numbers finds a chunk by its id. The first bytes of an id are as good as random, since
//! it is a keyed hash, and serve as the hash of the table.

use std::collections::{HashMap, HashSet};

use crate::block::Encoding;
use crate::error::{RepositoryError, Result};
use crate::id::{ChunkId, ChunkPrefix, PackId};
use crate::index::IndexedPack;
use crate::pack::PackClass;

const EMPTY: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct ChunkRecord {
    prefix: ChunkPrefix,
    /// The offset in the raw block, in bytes.
    offset: u32,
}

#[derive(Debug, Clone, Copy)]
struct BlockRecord {
    first_chunk: u32,
    pack: u32,
    offset: u32,
    stored_bytes: u32,
    raw_bytes: u32,
    encoding: Encoding,
}

#[derive(Debug, Clone)]
struct PackRecord {
    id: PackId,
    salt: [u8; 32],
    class: PackClass,
    size: u64,
    first_block: u32,
}

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkPlace {
    pub(crate) block: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// Where a block lies and how it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockPlace {
    pub(crate) pack: PackId,
    pub(crate) salt: [u8; 32],
    pub(crate) class: PackClass,
    /// The number of the block in its pack.
    pub(crate) number: u32,
    pub(crate) offset: u32,
    pub(crate) stored_bytes: u32,
    pub(crate) raw_bytes: u32,
    pub(crate) encoding: Encoding,
    pub(crate) first_chunk: u32,
    pub(crate) chunk_count: u32,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Index {
    chunks: Vec<ChunkRecord>,
    blocks: Vec<BlockRecord>,
    packs: Vec<PackRecord>,
    pack_numbers: HashMap<PackId, u32>,
    table: Vec<u32>,
}

impl Index {
    /// Adds a pack; one that is known already is left as it is. A chunk that other packs have too is found in the
    /// pack added last.
    pub(crate) fn add(&mut self, pack: &IndexedPack) -> Result<()> {
        if self.pack_numbers.contains_key(&pack.id) {
            return Ok(());
        }
        let fits = u32::try_from(self.chunks.len() + pack.chunks.len()).is_ok_and(|count| count < EMPTY);
        if !fits {
            return Err(RepositoryError::Invalid {
                what: "the index".to_owned(),
                reason: "it has more than four thousand million chunks",
            });
        }
        self.reserve(pack.chunks.len());
        let number = self.packs.len() as u32;
        self.pack_numbers.insert(pack.id, number);
        self.packs.push(PackRecord {
            id: pack.id,
            salt: pack.salt,
            class: pack.class,
            size: pack.size,
            first_block: self.blocks.len() as u32,
        });
        let mut chunks = pack.chunks.iter();
        for block in &pack.blocks {
            self.blocks.push(BlockRecord {
                first_chunk: self.chunks.len() as u32,
                pack: number,
                offset: block.offset,
                stored_bytes: block.stored_bytes,
                raw_bytes: block.raw_bytes,
                encoding: block.encoding,
            });
            let mut offset = 0;
            for chunk in chunks.by_ref().take(block.chunk_count as usize) {
                let place = self.chunks.len() as u32;
                self.chunks.push(ChunkRecord { prefix: chunk.id, offset });
                self.enter(place);
                offset += chunk.length;
            }
        }
        Ok(())
    }

    /// Makes room for `more` chunks: the table stays at most three fifths full, so that a search for what is absent
    /// looks at four chunks on average.
    fn reserve(&mut self, more: usize) {
        if self.chunks.capacity() - self.chunks.len() < more {
            self.chunks.reserve_exact(more.max(self.chunks.len() / 4));
        }
        let wanted = (self.chunks.len() + more) * 5 / 3 + 1;
        if wanted <= self.table.len() {
            return;
        }
        let size = wanted.max(self.table.len() + self.table.len() / 2).max(1024);
        self.table = Vec::new();
        self.table.resize(size, EMPTY);
        for place in 0..self.chunks.len() as u32 {
            self.enter(place);
        }
    }

    /// Enters the chunk at `place` in the table, in place of an earlier one of the same id.
    fn enter(&mut self, place: u32) {
        let prefix = self.chunks[place as usize].prefix;
        let mut slot = self.home(&prefix);
        loop {
            match self.table[slot] {
                EMPTY => break,
                other if self.chunks[other as usize].prefix == prefix => break,
                _ => slot = if slot + 1 == self.table.len() { 0 } else { slot + 1 },
            }
        }
        self.table[slot] = place;
    }

    /// The slot where the search for `prefix` begins: its first eight bytes, scaled to the size of the table.
    fn home(&self, prefix: &ChunkPrefix) -> usize {
        let (head, _) = prefix.split_first_chunk::<8>().expect("a prefix has sixteen bytes");
        ((u128::from(u64::from_le_bytes(*head)) * self.table.len() as u128) >> 64) as usize
    }

    fn find_record(&self, prefix: &ChunkPrefix) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        let mut slot = self.home(prefix);
        loop {
            match self.table[slot] {
                EMPTY => return None,
                place if self.chunks[place as usize].prefix == *prefix => return Some(place),
                _ => slot = if slot + 1 == self.table.len() { 0 } else { slot + 1 },
            }
        }
    }

    /// Makes chunks that lie in several packs be found outside of these packs, where they lie elsewhere, too.
    pub(crate) fn prefer_outside(&mut self, packs: &HashSet<PackId>) {
        let avoided: HashSet<u32> =
            packs.iter().filter_map(|id| self.pack_numbers.get(id).copied()).collect();
        if avoided.is_empty() {
            return;
        }
        for block in 0..self.blocks.len() as u32 {
            if avoided.contains(&self.blocks[block as usize].pack) {
                continue;
            }
            for place in self.blocks[block as usize].first_chunk..self.block_end(block) {
                let found = self.find_record(&self.chunks[place as usize].prefix);
                if found.is_some_and(|found| avoided.contains(&self.pack_at(found))) {
                    self.enter(place);
                }
            }
        }
    }

    /// The number of the pack that the chunk at `place` lies in.
    fn pack_at(&self, place: u32) -> u32 {
        let next = self.blocks.partition_point(|block| block.first_chunk <= place);
        self.blocks[next - 1].pack
    }

    /// Whether a chunk is known.
    pub(crate) fn contains(&self, id: &ChunkId) -> bool {
        self.find_record(&id.prefix()).is_some()
    }

    /// Where a chunk lies.
    pub(crate) fn find(&self, id: &ChunkId) -> Option<ChunkPlace> {
        let place = self.find_record(&id.prefix())?;
        let block = self.blocks.partition_point(|block| block.first_chunk <= place) as u32 - 1;
        let offset = self.chunks[place as usize].offset;
        Some(ChunkPlace { block, offset, length: self.chunk_end(block, place) - offset })
    }

    /// The number of a chunk, counted through all blocks of all packs.
    pub(crate) fn chunk_number(&self, id: &ChunkId) -> Option<u32> {
        self.find_record(&id.prefix())
    }

    fn chunk_end(&self, block: u32, place: u32) -> u32 {
        let block_end = self.block_end(block);
        if place + 1 < block_end {
            self.chunks[place as usize + 1].offset
        } else {
            self.blocks[block as usize].raw_bytes
        }
    }

    fn block_end(&self, block: u32) -> u32 {
        self.blocks.get(block as usize + 1).map_or(self.chunks.len() as u32, |next| next.first_chunk)
    }

    /// Where a block lies.
    pub(crate) fn block(&self, block: u32) -> BlockPlace {
        let record = &self.blocks[block as usize];
        let pack = &self.packs[record.pack as usize];
        BlockPlace {
            pack: pack.id,
            salt: pack.salt,
            class: pack.class,
            number: block - pack.first_block,
            offset: record.offset,
            stored_bytes: record.stored_bytes,
            raw_bytes: record.raw_bytes,
            encoding: record.encoding,
            first_chunk: record.first_chunk,
            chunk_count: self.block_end(block) - record.first_chunk,
        }
    }

    /// The chunks of a block, in order: the kept part of the id, and the length.
    pub(crate) fn block_chunks(&self, block: u32) -> impl ExactSizeIterator<Item = (ChunkPrefix, u32)> + '_ {
        (self.blocks[block as usize].first_chunk..self.block_end(block)).map(move |place| {
            let record = &self.chunks[place as usize];
            (record.prefix, self.chunk_end(block, place) - record.offset)
        })
    }

    /// The number of a pack.
    pub(crate) fn pack_number(&self, id: &PackId) -> Option<u32> {
        self.pack_numbers.get(id).copied()
    }

    /// Every pack: its id, class, length in bytes, and the numbers of its blocks.
    pub(crate) fn packs(&self) -> impl Iterator<Item = (PackId, PackClass, u64, std::ops::Range<u32>)> + '_ {
        self.packs.iter().enumerate().map(|(i, pack)| {
            let end = self.packs.get(i + 1).map_or(self.blocks.len() as u32, |next| next.first_block);
            (pack.id, pack.class, pack.size, pack.first_block..end)
        })
    }

    /// How many chunks there are, those in several packs counted each time.
    pub(crate) fn chunk_count(&self) -> usize {
        self.chunks.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::{BlockInfo, ChunkInfo};

    /// A pack of `blocks` blocks of 16 chunks each, whose ids are hashes of `seed` and a number.
    fn pack(seed: u8, blocks: u32) -> IndexedPack {
        let id = |n: u32| {
            ChunkId::from_bytes(*blake3::keyed_hash(&[seed; 32], &n.to_le_bytes()).as_bytes()).prefix()
        };
        IndexedPack {
            id: PackId::from_bytes([seed; 32]),
            salt: [seed ^ 1; 32],
            class: PackClass::Data,
            size: 1 << 20,
            blocks: (0..blocks)
                .map(|n| BlockInfo {
                    offset: 48 + n * 900,
                    stored_bytes: 900,
                    raw_bytes: (0..16).map(|c| 10 + c).sum(),
                    encoding: Encoding::Zstd,
                    chunk_count: 16,
                })
                .collect(),
            chunks: (0..blocks * 16).map(|n| ChunkInfo { id: id(n), length: 10 + n % 16 }).collect(),
        }
    }

    fn full(prefix: ChunkPrefix) -> ChunkId {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&prefix);
        ChunkId::from_bytes(bytes)
    }

    #[test]
    fn every_chunk_is_found_where_it_lies() {
        let packs = [pack(1, 700), pack(2, 3), pack(3, 1)];
        let mut index = Index::default();
        for pack in packs.iter().chain(&packs) {
            index.add(pack).unwrap();
        }
        assert_eq!(index.chunk_count(), 704 * 16);
        for pack in &packs {
            for (n, chunk) in pack.chunks.iter().enumerate() {
                let place = index.find(&full(chunk.id)).unwrap();
                let block = index.block(place.block);
                assert_eq!((block.pack, block.number as usize), (pack.id, n / 16));
                assert_eq!(place.length, chunk.length);
                let before: u32 = pack.chunks[n / 16 * 16..n].iter().map(|chunk| chunk.length).sum();
                assert_eq!(place.offset, before);
                assert_eq!(index.block_chunks(place.block).nth(n % 16), Some((chunk.id, chunk.length)));
            }
        }
        assert_eq!(index.find(&full([0xaa; 16])), None);
        assert_eq!(Index::default().find(&full([0xaa; 16])), None);
    }

    #[test]
    fn a_chunk_in_two_packs_is_found_in_the_later_one() {
        let first = pack(1, 2);
        let mut second = pack(2, 1);
        second.chunks[5].id = first.chunks[20].id;
        let mut index = Index::default();
        index.add(&first).unwrap();
        index.add(&second).unwrap();
        let place = index.find(&full(first.chunks[20].id)).unwrap();
        assert_eq!(index.block(place.block).pack, second.id);
    }

    #[test]
    fn a_chunk_in_two_packs_is_found_outside_of_an_avoided_one() {
        let first = pack(1, 2);
        let mut second = pack(2, 1);
        second.chunks[5].id = first.chunks[20].id;
        let mut index = Index::default();
        index.add(&first).unwrap();
        index.add(&second).unwrap();
        index.prefer_outside(&HashSet::from([second.id]));
        let pack_of = |prefix| index.block(index.find(&full(prefix)).unwrap().block).pack;
        assert_eq!(pack_of(first.chunks[20].id), first.id);
        assert_eq!(pack_of(second.chunks[6].id), second.id, "it lies nowhere else");
    }

    #[test]
    fn a_chunk_costs_at_most_32_bytes() {
        let mut index = Index::default();
        for seed in 0..40 {
            index.add(&pack(seed, 250)).unwrap();
        }
        let bytes = index.chunks.capacity() * size_of::<ChunkRecord>()
            + index.table.len() * 4
            + index.blocks.capacity() * size_of::<BlockRecord>();
        assert!(bytes / index.chunk_count() <= 40, "{} bytes per chunk", bytes / index.chunk_count());
    }
}
