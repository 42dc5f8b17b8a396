//! The second phase: removing packs that were marked a grace period ago.

use std::collections::{HashMap, HashSet};

use super::Collection;
use crate::error::Result;
use crate::garbage::marker_name;
use crate::id::PackId;
use crate::maintenance::usage::usage;

impl Collection<'_> {
    pub(super) fn sweep(&mut self) -> Result<()> {
        let used: HashMap<PackId, u64> =
            usage(&self.survey.index, &self.live).map(|usage| (usage.pack, usage.used_chunks)).collect();
        let indexed: HashSet<PackId> = self.survey.index_objects.values().flatten().copied().collect();
        let (mut dead, mut drop, mut take_back) = (Vec::new(), HashSet::new(), Vec::new());
        for (pack, since) in &self.survey.markers {
            let age = self.age(*since);
            let Some(object) = self.survey.packs.get(pack) else {
                if indexed.contains(pack) {
                    drop.insert(*pack);
                } else if age >= 2 * self.waiting_time() {
                    take_back.push(marker_name(pack));
                }
                continue;
            };
            // Copies of its chunks in packs that are not marked count for those.
            if used.get(pack).is_some_and(|chunks| *chunks > 0) {
                take_back.push(marker_name(pack));
                self.report.unmarked_packs += 1;
            } else if age >= self.waiting_time() {
                dead.push(*pack);
                drop.insert(*pack);
                self.report.removed_bytes += object.size;
            } else {
                self.report.waiting_packs += 1;
                self.report.waiting_bytes += object.size;
            }
        }
        self.report.removed_packs = dead.len() as u64;
        self.drop_from_index(&drop)?;
        let names: Vec<_> = dead.iter().map(PackId::object_name).collect();
        self.shared.store.delete_many(&names)?;
        self.shared.store.delete_many(&take_back)?;
        for pack in dead {
            self.survey.packs.remove(&pack);
        }
        Ok(())
    }
}
