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
        let others = self.declared.told_by_others(self.shared)?;
        let (mut dead, mut drop) = (Vec::new(), HashSet::new());
        let mut take_back = std::mem::take(&mut self.declared.expired);
        for (pack, since) in &self.survey.markers {
            let age = self.times.age(*since);
            let Some(object) = self.survey.packs.get(pack) else {
                if indexed.contains(pack) {
                    drop.insert(*pack);
                } else if age >= 2 * self.times.waiting_time() && !others.contains(pack) {
                    take_back.push(marker_name(pack));
                }
                continue;
            };
            // Copies of its chunks in packs that are not marked count for those.
            if used.get(pack).is_some_and(|chunks| *chunks > 0) {
                if !others.contains(pack) {
                    take_back.push(marker_name(pack));
                    self.report.unmarked_packs += 1;
                }
            } else if age >= self.times.waiting_time() && self.declared.packs.contains(pack) {
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
        if dead.is_empty() {
            // What was told did not come to pass, and no capture has to mind it.
            take_back.extend(self.declared.name.take());
        }
        self.shared.store.delete_many(&take_back)?;
        for pack in dead {
            self.survey.packs.remove(&pack);
        }
        Ok(())
    }
}
