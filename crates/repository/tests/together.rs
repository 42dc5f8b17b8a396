//! Two writers, a reader and a collector at once on one repository.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_model::FakeClock;
use backstay_repository::{
    BootTime, CollectOptions, ManifestId, Repository, RepositoryError, Uptime, VerifyDepth, VerifyOptions,
    WriterOptions,
};
use backstay_store::testing::FaultStore;
use backstay_store::{LocalStore, MemoryStore, Store};
use fixtures::snapshots::{Files, init, load, save_with, store_files};
use fixtures::{FakeUptime, credential, manifest, noise, reopen, rng};

const GRACE: i64 = 1000;
const ROUNDS: u64 = 25;

fn files(seed: u64) -> Files {
    // Neighbouring rounds share most of their files, and old ones come back.
    (0..8).map(|n| (format!("d/{n}"), noise(20_000, (seed + n) % 13))).collect()
}

/// Time passes in leaps, also while captures are under way: some of them take longer than the grace period.
struct World {
    clock: Arc<FakeClock>,
    store: Arc<dyn Store>,
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
            let options = || WriterOptions {
                uptime: Arc::new(FakeUptime(Arc::clone(&self.clock))),
                ..WriterOptions::default()
            };
            match save_with(&repository, &format!("s{number}"), &content, options()) {
                Ok(receipt) => drop(self.saved.lock().unwrap().insert(receipt.id, content)),
                Err(error) => assert!(matches!(error, RepositoryError::Collected { .. }), "{error}"),
            }
            if round % 3 == 2 {
                let any = repository.manifests().unwrap().first().copied();
                if let Some(id) = any.filter(|id| self.saved.lock().unwrap().remove(id).is_some()) {
                    repository.delete_manifest(&id).unwrap();
                }
            }
        }
    }

    fn collect(&self) {
        for round in 0..2 * ROUNDS {
            self.clock.advance(GRACE / 3);
            if round % 5 == 4 {
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
    let world = World { clock, store: Arc::clone(&store), saved: Mutex::default(), names: AtomicU64::new(0) };
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

/// A repository on a real disk, worked on for a minute of real time: ages come from the file system's clock, and which
/// operation meets which is left to the machine.
struct Minute {
    root: tempfile::TempDir,
    saved: Mutex<HashMap<ManifestId, Files>>,
    captures: AtomicU64,
    failed_captures: AtomicU64,
    removed_packs: AtomicU64,
}

const MINUTE: Duration = Duration::from_mins(1);
const SHORT_GRACE_SECONDS: u64 = 2;

impl Minute {
    /// The repository as a process of its own would open it.
    fn open(&self, seed: u64) -> Repository {
        let store = LocalStore::open(self.root.path()).unwrap();
        Repository::open(Arc::new(store), &credential(), rng(seed)).unwrap()
    }

    fn write(&self, writer: u64, end: Duration) {
        for round in 0.. {
            if BootTime.uptime() > end {
                return;
            }
            let repository = self.open(writer * 1_000_000 + round);
            let content = files(round * (writer + 1));
            let parent = repository.manifests().unwrap().first().copied();
            let session = repository.writer(WriterOptions { parent, ..WriterOptions::default() }).unwrap();
            let root = store_files(&mut session.lane(), &content).unwrap();
            if round % 7 == 3 {
                // Broken off.
                continue;
            }
            if round % 5 == 1 {
                // Works on until the grace period is over.
                let late = BootTime.uptime() + Duration::from_secs(SHORT_GRACE_SECONDS + 1);
                for n in 0.. {
                    if BootTime.uptime() > late {
                        break;
                    }
                    store_files(&mut session.lane(), &files(n % 4)).unwrap();
                }
            }
            match session.finish(manifest(&format!("{writer}-{round}"), root)) {
                Ok(receipt) => {
                    self.captures.fetch_add(1, Ordering::Relaxed);
                    self.saved.lock().unwrap().insert(receipt.id, content);
                }
                Err(RepositoryError::Collected { .. }) => {
                    self.failed_captures.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("{error}"),
            }
            let saved = self.saved.lock().unwrap().keys().copied().collect::<Vec<_>>();
            // About 20 snapshots stay.
            for id in saved.into_iter().skip(20) {
                if self.saved.lock().unwrap().remove(&id).is_some() {
                    repository.delete_manifest(&id).unwrap();
                }
            }
        }
    }

    fn collect(&self, end: Duration) {
        for round in 0.. {
            if BootTime.uptime() > end {
                return;
            }
            let options = CollectOptions { threads: 1, max_unused_percent: 1, ..CollectOptions::default() };
            match self.open(9_000_000 + round).collect(&options) {
                Ok(report) => drop(self.removed_packs.fetch_add(report.removed_packs, Ordering::Relaxed)),
                // It took longer than half of the grace period, on a busy machine.
                Err(RepositoryError::Invalid { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn slow_two_writers_and_a_collector_for_a_minute() {
    let root = tempfile::tempdir().unwrap();
    init(&(Arc::new(LocalStore::open(root.path()).unwrap()) as Arc<dyn Store>), SHORT_GRACE_SECONDS, 1);
    let minute = Minute {
        root,
        saved: Mutex::default(),
        captures: AtomicU64::new(0),
        failed_captures: AtomicU64::new(0),
        removed_packs: AtomicU64::new(0),
    };
    let end = BootTime.uptime() + MINUTE;
    std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| minute.write(1, end)),
            scope.spawn(|| minute.write(2, end)),
            scope.spawn(|| minute.collect(end)),
        ];
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let (captures, failed) =
        (minute.captures.load(Ordering::Relaxed), minute.failed_captures.load(Ordering::Relaxed));
    let removed = minute.removed_packs.load(Ordering::Relaxed);
    println!("{captures} captures, {failed} failed, {removed} packs removed");
    assert!(captures > 20 && failed <= captures / 4 && removed > 5, "{captures} {failed} {removed}");
    let saved = minute.saved.lock().unwrap().clone();
    let repository = minute.open(5);
    let mut manifests = saved.keys().copied().collect::<Vec<_>>();
    manifests.sort_unstable();
    assert_eq!(repository.manifests().unwrap(), manifests);
    for (id, content) in &saved {
        assert_eq!(load(&repository, id).unwrap(), *content);
    }
    let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
    let report = repository.verify(&options).unwrap();
    assert!(report.is_ok(), "{report:#?}");
}
