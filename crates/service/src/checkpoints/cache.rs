//! Contents that were read or written lately, decoded.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::ContentTable;
use backstay_source_job::content::Chain;

/// A decoded content and its place in its chain. What a number stands for never changes.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) raw: Arc<Vec<u8>>,
    pub(crate) chain: Chain,
}

/// How many bytes are kept at most in each of the two generations.
const GENERATION_BYTES: usize = 64 << 20;

/// Two generations: what is used moves to the young one; when that is full it becomes the old one, whose content goes.
#[derive(Default)]
pub(crate) struct ContentCache {
    young: HashMap<(bool, i64), Content>,
    old: HashMap<(bool, i64), Content>,
    young_bytes: usize,
}

impl ContentCache {
    pub(crate) fn get(&mut self, table: ContentTable, number: i64) -> Option<Content> {
        let key = (table == ContentTable::Values, number);
        if let Some(found) = self.young.get(&key) {
            return Some(found.clone());
        }
        let found = self.old.remove(&key)?;
        self.insert(table, number, found.clone());
        Some(found)
    }

    pub(crate) fn insert(&mut self, table: ContentTable, number: i64, content: Content) {
        let bytes = content.raw.len() + 128;
        if bytes > GENERATION_BYTES / 4 {
            return;
        }
        if self.young_bytes + bytes > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert((table == ContentTable::Values, number), content).is_none() {
            self.young_bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = ContentCache::default();
        let content = |byte| Content { raw: Arc::new(vec![byte; 4 << 20]), chain: Chain::default() };
        cache.insert(ContentTable::Checkpoints, 0, content(7));
        for n in 1..100 {
            cache.insert(ContentTable::Checkpoints, n, content(1));
            assert_eq!(cache.get(ContentTable::Checkpoints, 0).unwrap().raw[0], 7, "{n}");
        }
        assert!(cache.get(ContentTable::Checkpoints, 1).is_none());
        assert!(cache.get(ContentTable::Values, 0).is_none());
        assert!(cache.young.len() + cache.old.len() <= 32);
    }
}
