//! A repository behaves like a map from snapshots to files, whatever is done to it in whatever order.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_model::FakeClock;
use backstay_repository::{
    CollectOptions, CopyOptions, ManifestId, RepairOptions, Repository, VerifyDepth, VerifyOptions,
    WriterOptions, copy_snapshots,
};
use backstay_store::Store;
use fixtures::snapshots::{Files, load, save_with, with_clock};
use fixtures::{fresh, noise, reopen, text};
use proptest::prelude::*;

const GRACE: i64 = 1000;

#[derive(Debug, Clone)]
enum Step {
    Save { changes: Vec<(u8, u8, u32)>, with_parent: bool },
    SaveBrokenOff,
    Delete(u8),
    Collect { max_unused_percent: u8 },
    Wait(i64),
    Reopen,
    Verify,
    Repair,
    Copy,
}

fn step() -> impl Strategy<Value = Step> {
    let change = (0..12_u8, 0..20_u8, prop_oneof![0..2_000_u32, 60_000..200_000_u32]);
    prop_oneof![
        5 => (prop::collection::vec(change, 0..5), any::<bool>())
            .prop_map(|(changes, with_parent)| Step::Save { changes, with_parent }),
        1 => Just(Step::SaveBrokenOff),
        3 => any::<u8>().prop_map(Step::Delete),
        4 => prop::sample::select(vec![0, 10, 100]).prop_map(|max_unused_percent| Step::Collect { max_unused_percent }),
        4 => prop::sample::select(vec![1, GRACE / 2, GRACE + 1, 3 * GRACE]).prop_map(Step::Wait),
        2 => Just(Step::Reopen),
        1 => Just(Step::Verify),
        1 => Just(Step::Repair),
        1 => Just(Step::Copy),
    ]
}

struct World {
    clock: Arc<FakeClock>,
    store: Arc<dyn Store>,
    repository: Repository,
    files: Files,
    model: BTreeMap<ManifestId, Files>,
    last: Option<ManifestId>,
    number: u32,
}

impl World {
    fn save(&mut self, changes: &[(u8, u8, u32)], with_parent: bool) {
        for (place, seed, length) in changes {
            let path = if place % 2 == 0 { format!("d/{place}") } else { format!("{place}") };
            match seed {
                0 => drop(self.files.remove(&path)),
                1..10 => drop(self.files.insert(path, noise(*length as usize, (*seed).into()))),
                _ => drop(self.files.insert(path, text(*length as usize))),
            }
        }
        self.number += 1;
        let options = WriterOptions {
            parent: self.last.filter(|_| with_parent),
            threads: 2,
            ..WriterOptions::default()
        };
        let receipt =
            save_with(&self.repository, &format!("s{}", self.number), &self.files, options).unwrap();
        self.model.insert(receipt.id, self.files.clone());
        self.last = Some(receipt.id);
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Save { changes, with_parent } => self.save(changes, *with_parent),
            Step::SaveBrokenOff => {
                let writer = self.repository.writer(WriterOptions::default()).unwrap();
                fixtures::snapshots::store_files(&mut writer.lane(), &self.files).unwrap();
            }
            Step::Delete(which) => {
                let found = self.model.keys().nth(usize::from(*which) % self.model.len().max(1)).copied();
                if let Some(id) = found {
                    self.repository.delete_manifest(&id).unwrap();
                    self.model.remove(&id);
                }
            }
            Step::Collect { max_unused_percent } => {
                let options = CollectOptions {
                    max_unused_percent: *max_unused_percent,
                    threads: 2,
                    ..CollectOptions::default()
                };
                self.repository.collect(&options).unwrap();
            }
            Step::Wait(seconds) => self.clock.advance(*seconds),
            Step::Reopen => self.repository = reopen(&self.store),
            Step::Verify => {
                let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
                let report = self.repository.verify(&options).unwrap();
                assert!(report.is_ok(), "{report:#?}");
            }
            Step::Repair => {
                let report = self.repository.repair(&RepairOptions::default()).unwrap();
                assert!(report.found.is_ok() && report.dropped_packs == 0, "{report:#?}");
            }
            Step::Copy => {
                let (_, other) = fresh();
                let report = copy_snapshots(&self.repository, &other, &CopyOptions::default()).unwrap();
                for (id, receipt) in report.copied {
                    assert_eq!(load(&other, &receipt.id).unwrap(), self.model[&id]);
                }
            }
        }
        let ids = self.repository.manifests().unwrap();
        assert_eq!(ids, self.model.keys().copied().collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_repository_behaves_like_a_map(steps in prop::collection::vec(step(), 1..25)) {
        let (clock, store, repository) = with_clock(GRACE as u64);
        let mut world =
            World { clock, store, repository, files: Files::new(), model: BTreeMap::new(), last: None, number: 0 };
        for step in &steps {
            world.apply(step);
        }
        world.apply(&Step::Verify);
        let repository = reopen(&world.store);
        for (id, files) in &world.model {
            prop_assert_eq!(&load(&repository, id).unwrap(), files);
        }
        // In the end nothing is left of what was deleted, or broken off.
        for _ in 0..5 {
            world.apply(&Step::Wait(3 * GRACE));
            world.apply(&Step::Collect { max_unused_percent: 0 });
        }
        let options = backstay_repository::StatisticsOptions { count_unused: true, ..Default::default() };
        let statistics = reopen(&world.store).statistics(&options).unwrap();
        prop_assert_eq!(statistics.unused_bytes, Some(0));
        prop_assert_eq!(fixtures::snapshots::names(&*world.store, "garbage"), Vec::<String>::new());
        world.apply(&Step::Reopen);
        for (id, files) in &world.model {
            prop_assert_eq!(&load(&world.repository, id).unwrap(), files);
        }
    }
}
