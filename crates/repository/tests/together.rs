//! Two writers, a reader and a collector at once on one repository.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use backstay_model::FakeClock;
use backstay_repository::{
    CollectOptions, ManifestId, Repository, RepositoryError, VerifyDepth, VerifyOptions,
};
use backstay_store::testing::FaultStore;
use backstay_store::{MemoryStore, Store};
use fixtures::snapshots::{Files, init, load, save};
use fixtures::{credential, noise, reopen, rng};

const GRACE: i64 = 1000;
const ROUNDS: u64 = 25;

fn files(seed: u64) -> Files {
    // Neighbouring rounds share most of their files, and old ones come back.
    (0..8).map(|n| (format!("d/{n}"), noise(20_000, (seed + n) % 13))).collect()
}

/// The store's clock moves by a part of the grace period whenever an operation happens, but never so far that a capture
/// lasts longer than the grace period allows: captures hold the clock.
struct World {
    clock: Arc<FakeClock>,
    store: Arc<dyn Store>,
    captures: std::sync::RwLock<()>,
    saved: Mutex<HashMap<ManifestId, Files>>,
    names: AtomicU64,
}

impl World {
    fn open(&self, seed: u64) -> Repository {
        // Each client has its own view and its own delays.
        let store = FaultStore::new(Arc::clone(&self.store));
        store.before_each(|_, _| std::thread::yield_now());
        Repository::open(Arc::new(store), &credential(), rng(seed)).unwrap()
    }

    fn write(&self, writer: u64) {
        for round in 0..ROUNDS {
            let repository = self.open(writer * 1000 + round);
            let number = self.names.fetch_add(1, Ordering::Relaxed);
            let content = files(round * (writer + 1));
            let receipt = {
                let _clock_stands_still = self.captures.read().unwrap();
                save(&repository, &format!("s{number}"), &content).unwrap()
            };
            self.saved.lock().unwrap().insert(receipt.id, content);
            if round % 3 == 2 {
                let oldest = repository.manifests().unwrap()[0];
                if self.saved.lock().unwrap().remove(&oldest).is_some() {
                    repository.delete_manifest(&oldest).unwrap();
                }
            }
        }
    }

    fn collect(&self) {
        for round in 0..2 * ROUNDS {
            self.clock.advance(GRACE / 3);
            if round % 5 == 4 {
                // A whole grace period passes; no capture lasts that long.
                let _no_capture = self.captures.write().unwrap();
                self.clock.advance(2 * GRACE);
            }
            self.open(9000 + round)
                .collect(&CollectOptions { threads: 1, ..CollectOptions::default() })
                .unwrap();
        }
    }

    fn read(&self) {
        for round in 0..ROUNDS {
            let repository = self.open(7000 + round);
            let wanted: Vec<_> = self.saved.lock().unwrap().clone().into_iter().take(3).collect();
            for (id, content) in wanted {
                match load(&repository, &id) {
                    Ok(found) => assert_eq!(found, content),
                    // Deleted meanwhile, and perhaps collected as well.
                    Err(error) => {
                        assert!(!self.saved.lock().unwrap().contains_key(&id), "{error}");
                        assert!(
                            matches!(
                                error,
                                RepositoryError::NotFound { .. }
                                    | RepositoryError::MissingChunk { .. }
                                    | RepositoryError::Damaged { .. }
                            ),
                            "{error}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn writers_a_reader_and_a_collector_get_on_together() {
    let clock = Arc::new(FakeClock::new(backstay_model::Timestamp::from_micros(1_767_435_330_000_000)));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(clock.clone()));
    init(&store, GRACE as u64, 1);
    let world = World {
        clock,
        store: Arc::clone(&store),
        captures: std::sync::RwLock::default(),
        saved: Mutex::default(),
        names: AtomicU64::new(0),
    };
    std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| world.write(1)),
            scope.spawn(|| world.write(2)),
            scope.spawn(|| world.collect()),
            scope.spawn(|| world.read()),
        ];
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let saved = world.saved.into_inner().unwrap();
    assert!(saved.len() > 10);
    for _ in 0..4 {
        world.clock.advance(2 * GRACE);
        reopen(&store).collect(&CollectOptions::default()).unwrap();
    }
    let repository = reopen(&store);
    for (id, content) in &saved {
        assert_eq!(load(&repository, id).unwrap(), *content);
    }
    let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
    let report = repository.verify(&options).unwrap();
    assert!(report.is_ok(), "{report:#?}");
}
