//! Opened blocks, shared by all readers of a repository, bounded in bytes.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::error::Result;
use crate::id::PackId;

/// How many bytes of opened blocks are kept.
const CAPACITY_BYTES: usize = 24 << 20;

/// A block: its pack and its number in it.
pub(crate) type BlockKey = (PackId, u32);

/// A block that is opened, or about to be by whoever holds the lock.
type Slot = Arc<Mutex<Option<Bytes>>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct BlockCache(Mutex<Slots>);

#[derive(Debug, Default)]
struct Slots {
    blocks: HashMap<BlockKey, (Slot, u64, usize)>,
    bytes: usize,
    clock: u64,
}

impl BlockCache {
    /// The block, opened by `open` unless it is here. Threads that want the same block wait for the first of them.
    pub(crate) fn get(&self, key: BlockKey, open: impl FnOnce() -> Result<Bytes>) -> Result<Bytes> {
        let slot = self.slot(key);
        let mut content = slot.lock();
        if let Some(bytes) = &*content {
            return Ok(bytes.clone());
        }
        let bytes = open()?;
        *content = Some(bytes.clone());
        drop(content);
        self.0.lock().filled(key, bytes.len());
        Ok(bytes)
    }

    /// Lets go of every block.
    pub(crate) fn clear(&self) {
        *self.0.lock() = Slots::default();
    }

    fn slot(&self, key: BlockKey) -> Slot {
        let mut slots = self.0.lock();
        slots.clock += 1;
        let now = slots.clock;
        let (slot, used, _) = slots.blocks.entry(key).or_default();
        *used = now;
        Arc::clone(slot)
    }
}

impl Slots {
    /// Counts a block, and lets go of those that were not used for longest while there are too many bytes.
    fn filled(&mut self, key: BlockKey, length: usize) {
        let Some((_, _, counted)) = self.blocks.get_mut(&key) else { return };
        self.bytes += length - std::mem::replace(counted, length).min(length);
        while self.bytes > CAPACITY_BYTES {
            let oldest = self
                .blocks
                .iter()
                .filter(|(other, (_, _, counted))| **other != key && *counted > 0)
                .min_by_key(|(_, (_, used, _))| *used)
                .map(|(other, _)| *other);
            let Some((_, _, counted)) = oldest.and_then(|oldest| self.blocks.remove(&oldest)) else { return };
            self.bytes -= counted;
        }
        // Blocks that could not be opened leave empty slots behind.
        if self.blocks.len() > 4096 {
            self.blocks.retain(|_, (slot, _, counted)| *counted > 0 || Arc::strong_count(slot) > 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_was_used_last() {
        let cache = BlockCache::default();
        let key = |n: u32| (PackId::from_bytes([0; 32]), n);
        let fill = || Ok(Bytes::from(vec![1; 1 << 20]));
        for n in 0..100 {
            cache.get(key(n), fill).unwrap();
            cache.get(key(0), || panic!("block 0 is used all the time")).unwrap();
        }
        assert!(cache.0.lock().bytes <= CAPACITY_BYTES);
        let mut opened = false;
        cache
            .get(key(50), || {
                opened = true;
                fill()
            })
            .unwrap();
        assert!(opened);
    }
}
