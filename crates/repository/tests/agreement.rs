//! The agreement between captures and collections: whatever the clocks do and wherever the two meet, a capture that
//! succeeds is whole, and one that cannot be fails and leaves no manifest.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use backstay_model::{FakeClock, Timestamp};
use backstay_repository::{
    Cancel, CollectOptions, CollectReport, DirectoryRef, Receipt, Repository, RepositoryError, VerifyDepth,
    VerifyOptions, Writer, WriterOptions,
};
use backstay_store::testing::{Fault, FaultStore, Operation};
use backstay_store::{Store, StoreErrorKind};
use fixtures::snapshots::{Files, load, names, save, save_with, some_files, store_files, with_clock};
use fixtures::{FakeUptime, credential, manifest, reopen, rng};
use parking_lot::Mutex;

const GRACE: i64 = 1000;

/// A repository whose only snapshot is deleted and old enough to be marked, and a capture of the same files under way
/// that relies on what is left of it.
struct Scene {
    clock: Arc<FakeClock>,
    store: Arc<dyn Store>,
    /// The store as the capture sees it.
    capture_store: FaultStore,
    writer: Writer,
    root: DirectoryRef,
    /// The capture's own time.
    uptime: Arc<FakeClock>,
    files: Files,
}

impl Scene {
    fn new() -> Self {
        let (clock, store, repository) = with_clock(GRACE as u64);
        let files = some_files(1);
        let old = save(&repository, "old", &files).unwrap();
        repository.delete_manifest(&old.id).unwrap();
        clock.advance(2 * GRACE);
        let capture_store = FaultStore::new(Arc::clone(&store));
        let other = Repository::open(Arc::new(capture_store.clone()), &credential(), rng(5)).unwrap();
        let uptime = Arc::new(FakeClock::new(Timestamp::from_micros(0)));
        let options =
            WriterOptions { uptime: Arc::new(FakeUptime(Arc::clone(&uptime))), ..WriterOptions::default() };
        let writer = other.writer(options).unwrap();
        let root = store_files(&mut writer.lane(), &files).unwrap();
        assert_eq!(writer.stats().new_bytes, 0, "the capture relies on what is stored");
        Self { clock, store, capture_store, writer, root, uptime, files }
    }

    /// A collection finds that nothing references the packs.
    fn mark(&self) {
        assert!(collect(&self.store).marked_packs >= 2);
    }

    /// The clock of the store jumps, far beyond the grace period, while no time passes.
    fn jump(&self) {
        self.clock.advance(50 * GRACE);
    }

    fn sweep(&self) {
        assert!(collect(&self.store).removed_packs >= 2);
    }

    fn commit(self) -> (Arc<dyn Store>, Arc<FakeClock>, Files, Result<Receipt, RepositoryError>) {
        let outcome = self.writer.finish(manifest("new", self.root));
        (self.store, self.clock, self.files, outcome)
    }
}

fn collect(store: &Arc<dyn Store>) -> CollectReport {
    reopen(store).collect(&CollectOptions { threads: 1, ..CollectOptions::default() }).unwrap()
}

fn assert_whole(store: &Arc<dyn Store>) {
    let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
    let report = reopen(store).verify(&options).unwrap();
    assert!(report.snapshots.is_empty() && report.missing_chunks == 0, "{report:#?}");
}

/// The capture failed because of a collection, nothing of it is left, and doing it again works.
fn assert_failed_cleanly(store: &Arc<dyn Store>, files: &Files, outcome: Result<Receipt, RepositoryError>) {
    let error = outcome.expect_err("what the capture relied on is gone");
    assert!(matches!(error, RepositoryError::Collected { .. }), "{error}");
    assert_eq!(reopen(store).manifests().unwrap(), []);
    let again = save(&reopen(store), "again", files).unwrap();
    assert_eq!(load(&reopen(store), &again.id).unwrap(), *files);
    assert_whole(store);
}

/// The capture succeeded, and stays whole whatever is collected later.
fn assert_stays(
    store: &Arc<dyn Store>,
    clock: &FakeClock,
    files: &Files,
    outcome: Result<Receipt, RepositoryError>,
) -> Receipt {
    let receipt = outcome.unwrap();
    for _ in 0..4 {
        assert_eq!(load(&reopen(store), &receipt.id).unwrap(), *files);
        assert_whole(store);
        clock.advance(3 * GRACE);
        collect(store);
    }
    receipt
}

#[test]
fn the_stores_clock_jumps_forward_and_a_collection_removes_what_a_capture_relies_on() {
    let scene = Scene::new();
    scene.mark();
    scene.jump();
    scene.sweep();
    let (store, _, files, outcome) = scene.commit();
    assert_failed_cleanly(&store, &files, outcome);
}

#[test]
fn what_a_collection_told_is_remembered_by_the_next_ones() {
    let scene = Scene::new();
    scene.mark();
    scene.jump();
    scene.sweep();
    for _ in 0..3 {
        scene.clock.advance(GRACE / 3);
        collect(&scene.store);
    }
    let (store, _, files, outcome) = scene.commit();
    assert_failed_cleanly(&store, &files, outcome);
}

#[test]
fn a_shorter_grace_period_of_one_collection_costs_a_capture_its_time_and_nothing_else() {
    let scene = Scene::new();
    for _ in 0..4 {
        let options = CollectOptions { threads: 1, grace_seconds: Some(0), ..CollectOptions::default() };
        reopen(&scene.store).collect(&options).unwrap();
    }
    assert_eq!(names(&*scene.store, "packs"), Vec::<String>::new());
    let (store, _, files, outcome) = scene.commit();
    assert_failed_cleanly(&store, &files, outcome);
}

/// Commits the capture right before a collection does `operation` on a name with `prefix` for the first time.
fn commit_in_the_middle_of_a_sweep(operation: Operation, prefix: &'static str) -> Receipt {
    let scene = Scene::new();
    scene.mark();
    scene.jump();
    let (clock, store, files) = (Arc::clone(&scene.clock), Arc::clone(&scene.store), scene.files.clone());
    let between = FaultStore::new(Arc::clone(&store));
    let collector = Repository::open(Arc::new(between.clone()), &credential(), rng(6)).unwrap();
    let (waiting, outcome) = (Mutex::new(Some(scene)), Arc::new(Mutex::new(None)));
    let told = Arc::clone(&outcome);
    between.before_each(move |found, name| {
        if found == operation
            && name.starts_with(prefix)
            && let Some(scene) = waiting.lock().take()
        {
            *told.lock() = Some(scene.commit().3);
        }
    });
    collector.collect(&CollectOptions { threads: 1, ..CollectOptions::default() }).unwrap();
    let outcome = outcome.lock().take().expect("the collection came by");
    assert_stays(&store, &clock, &files, outcome)
}

#[test]
fn a_capture_commits_before_a_sweeping_collection_tells() {
    let receipt = commit_in_the_middle_of_a_sweep(Operation::Put, "garbage/sweep-");
    assert_eq!(receipt.stats.new_bytes, 0, "the collection sees the manifest");
}

#[test]
fn a_capture_commits_after_a_sweeping_collection_told_and_before_it_looks() {
    commit_in_the_middle_of_a_sweep(Operation::List, "snapshots");
}

#[test]
fn a_capture_commits_after_a_sweeping_collection_looked() {
    let receipt = commit_in_the_middle_of_a_sweep(Operation::List, "trash");
    assert!(receipt.stats.new_bytes > 2_500_000, "the capture sees the sweep");
}

#[test]
fn a_capture_commits_when_a_sweeping_collection_has_dropped_the_index_and_not_the_packs() {
    // The packs are there, and no index tells of them any more.
    let scene = Scene::new();
    scene.mark();
    scene.jump();
    let between = FaultStore::new(Arc::clone(&scene.store));
    between.fail(
        Fault::new(StoreErrorKind::Unavailable)
            .on(&[Operation::Delete])
            .named(|name| name.starts_with("packs/")),
    );
    let collector = Repository::open(Arc::new(between), &credential(), rng(6)).unwrap();
    collector.collect(&CollectOptions { threads: 1, ..CollectOptions::default() }).unwrap_err();
    let (store, _, files, outcome) = scene.commit();
    assert_failed_cleanly(&store, &files, outcome);
}

#[test]
fn a_collection_does_not_take_back_what_another_one_told() {
    // A slow collection has looked before the manifest is there and is about to remove; another one comes by that sees the
    // manifest; then the capture looks; then the slow one goes on.
    let scene = Scene::new();
    scene.mark();
    let (clock, store, files) = (Arc::clone(&scene.clock), Arc::clone(&scene.store), scene.files.clone());
    let (arrive, has_arrived) = mpsc::channel();
    let (release, is_released) = mpsc::channel::<()>();
    let between = FaultStore::new(Arc::clone(&store));
    let is_released = Mutex::new(is_released);
    between.before_each(move |operation, name| {
        if operation == Operation::Delete && name.starts_with("index/") {
            arrive.send(()).unwrap();
            is_released.lock().recv().unwrap_err();
        }
    });
    let slow = Repository::open(Arc::new(between.clone()), &credential(), rng(6)).unwrap();
    let (slow, has_arrived) = (Mutex::new(Some(slow)), Mutex::new(has_arrived));
    let running = Arc::new(Mutex::new(None));
    let (started, jumping, others) = (Arc::clone(&running), Arc::clone(&clock), Arc::clone(&store));
    let once = AtomicBool::new(false);
    scene.capture_store.before_each(move |operation, name| {
        if operation == Operation::Put && name.starts_with("snapshots/") {
            if let Some(slow) = slow.lock().take() {
                jumping.advance(50 * GRACE);
                let options = CollectOptions { threads: 1, ..CollectOptions::default() };
                *started.lock() = Some(std::thread::spawn(move || slow.collect(&options)));
                has_arrived.lock().recv_timeout(Duration::from_mins(1)).unwrap();
            }
        } else if operation == Operation::List
            && name == "garbage"
            && !names(&*others, "snapshots").is_empty()
            && !once.swap(true, Ordering::SeqCst)
        {
            assert_eq!(collect(&others).unmarked_packs, 0, "the marks stay");
        }
    });
    let outcome = scene.commit().3;
    drop(release);
    let removed = running.lock().take().unwrap().join().unwrap().unwrap().removed_packs;
    assert!(removed >= 2, "the slow one removed what it had told");
    let marks = names(&*store, "garbage").into_iter().filter(|name| !name.contains("sweep-")).count();
    assert!(marks >= 2, "should an index object tell of the packs once more, captures keep off them");
    assert!(assert_stays(&store, &clock, &files, outcome).stats.new_bytes > 2_500_000);
}

#[test]
fn a_sweep_between_the_first_look_and_the_manifest_is_seen_by_the_last_look() {
    let scene = Scene::new();
    scene.mark();
    let (clock, store) = (Arc::clone(&scene.clock), Arc::clone(&scene.store));
    let once = AtomicBool::new(false);
    scene.capture_store.before_each(move |operation, name| {
        if operation == Operation::Put && name.starts_with("snapshots/") && !once.swap(true, Ordering::SeqCst)
        {
            clock.advance(50 * GRACE);
            assert!(collect(&store).removed_packs >= 2);
        }
    });
    let (store, _, files, outcome) = scene.commit();
    assert_failed_cleanly(&store, &files, outcome);
}

#[test]
fn a_sweep_before_the_capture_ends_is_seen_before_the_manifest_is_written() {
    // Should the capture be killed right after the manifest, what is left must be whole.
    let scene = Scene::new();
    scene.mark();
    scene.jump();
    scene.sweep();
    scene.capture_store.record();
    let log = scene.capture_store.clone();
    let (store, _, files, outcome) = scene.commit();
    let wrote = |(operation, name): &(Operation, String)| {
        *operation == Operation::Put && name.starts_with("snapshots/")
    };
    assert!(!log.recorded().iter().any(wrote), "no manifest was written");
    assert_failed_cleanly(&store, &files, outcome);
}

#[test]
fn content_of_a_parent_that_was_deleted_meanwhile_is_not_lost() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let files = some_files(1);
    let parent = save(&repository, "parent", &files).unwrap();
    let writer =
        reopen(&store).writer(WriterOptions { parent: Some(parent.id), ..WriterOptions::default() }).unwrap();
    let root = writer.parent().unwrap().root;
    repository.delete_manifest(&parent.id).unwrap();
    // The clock jumps so far that nothing is kept for the deleted one.
    clock.advance(50 * GRACE);
    assert!(collect(&store).marked_packs >= 2);
    clock.advance(50 * GRACE);
    assert!(collect(&store).removed_packs >= 2);
    assert_failed_cleanly(&store, &files, writer.finish(manifest("child", root)));
}

/// A capture under way that has finished packs of which no index tells yet.
fn capture_with_packs_of_its_own(
    store: &Arc<dyn Store>,
    uptime: &Arc<FakeClock>,
) -> (Files, Writer, DirectoryRef) {
    let mut files = some_files(1);
    files.insert("long".to_owned(), fixtures::noise(40 << 20, 3));
    let options =
        WriterOptions { uptime: Arc::new(FakeUptime(Arc::clone(uptime))), ..WriterOptions::default() };
    let writer = reopen(store).writer(options).unwrap();
    let root = store_files(&mut writer.lane(), &files).unwrap();
    while names(&**store, "packs").is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(names(&**store, "index"), Vec::<String>::new());
    (files, writer, root)
}

#[test]
fn a_captures_own_packs_are_removed_by_a_jump_of_the_clock() {
    let (clock, store, _) = with_clock(GRACE as u64);
    let uptime = Arc::new(FakeClock::new(Timestamp::from_micros(0)));
    let (files, writer, root) = capture_with_packs_of_its_own(&store, &uptime);
    clock.advance(50 * GRACE);
    assert!(collect(&store).marked_packs > 0, "a pack that no index tells of looks like a remain");
    clock.advance(50 * GRACE);
    assert!(collect(&store).removed_packs > 0);
    assert_failed_cleanly(&store, &files, writer.finish(manifest("new", root)));
}

#[test]
fn a_captures_own_packs_are_removed_and_forgotten_before_it_tells_of_them() {
    let (clock, store, _) = with_clock(GRACE as u64);
    let uptime = Arc::new(FakeClock::new(Timestamp::from_micros(0)));
    let (files, writer, root) = capture_with_packs_of_its_own(&store, &uptime);
    for _ in 0..5 {
        clock.advance(3 * GRACE);
        uptime.advance(3 * GRACE);
        collect(&store);
    }
    assert_eq!(names(&*store, "garbage"), Vec::<String>::new());
    assert_failed_cleanly(&store, &files, writer.finish(manifest("new", root)));
}

#[test]
fn the_stores_clock_jumps_back_while_a_capture_is_under_way() {
    let scene = Scene::new();
    scene.mark();
    scene.clock.advance(-100 * GRACE);
    let report = collect(&scene.store);
    assert_eq!(
        (report.removed_packs, report.removed_manifests),
        (0, 0),
        "everything seems to be yet to come"
    );
    let (store, clock, files, outcome) = scene.commit();
    clock.advance(200 * GRACE);
    let receipt = assert_stays(&store, &clock, &files, outcome);
    assert_eq!(receipt.stats.new_bytes, 0);
}

#[test]
fn a_capture_within_the_grace_period_costs_two_listings_and_reads_nothing_again() {
    let scene = Scene::new();
    scene.mark();
    scene.uptime.advance(GRACE);
    scene.capture_store.reset_counts();
    let counted = scene.capture_store.clone();
    let (store, clock, files, outcome) = scene.commit();
    let counts = counted.counts();
    assert_eq!((counts.list, counts.get, counts.get_range, counts.head), (2, 0, 0, 0));
    assert_eq!(assert_stays(&store, &clock, &files, outcome).stats.new_bytes, 0);
}

#[test]
fn a_capture_that_outlasts_the_grace_period_stores_again_what_is_marked() {
    let scene = Scene::new();
    scene.mark();
    scene.clock.advance(GRACE + 1);
    scene.uptime.advance(GRACE + 1);
    let (store, clock, files, outcome) = scene.commit();
    assert!(assert_stays(&store, &clock, &files, outcome).stats.new_bytes > 2_500_000);
}

#[test]
fn a_capture_that_outlasts_the_grace_period_stores_nothing_again_when_nothing_is_marked() {
    let scene = Scene::new();
    scene.uptime.advance(GRACE + 1);
    let (store, clock, files, outcome) = scene.commit();
    assert_eq!(assert_stays(&store, &clock, &files, outcome).stats.new_bytes, 0);
}

#[test]
fn a_capture_that_outlasts_everything_that_is_told_fails() {
    // The sweep and its memory are gone when the capture ends; only its own time tells it to look.
    let scene = Scene::new();
    scene.mark();
    for _ in 0..3 {
        scene.clock.advance(3 * GRACE);
        scene.uptime.advance(3 * GRACE);
        collect(&scene.store);
    }
    assert_eq!(names(&*scene.store, "garbage"), Vec::<String>::new());
    let (store, _, files, outcome) = scene.commit();
    assert_failed_cleanly(&store, &files, outcome);
}

#[test]
fn a_capture_that_is_late_only_after_its_manifest_looks_again() {
    let scene = Scene::new();
    scene.mark();
    let (uptime, once) = (Arc::clone(&scene.uptime), AtomicBool::new(false));
    scene.capture_store.before_each(move |operation, name| {
        if operation == Operation::Put && name.starts_with("snapshots/") && !once.swap(true, Ordering::SeqCst)
        {
            uptime.advance(GRACE + 1);
        }
    });
    let (store, clock, files, outcome) = scene.commit();
    assert!(assert_stays(&store, &clock, &files, outcome).stats.new_bytes > 2_500_000);
}

#[test]
fn a_capture_that_is_late_again_and_again_gives_up_and_takes_its_manifest_back() {
    for from in ["garbage", "snapshots/"] {
        let scene = Scene::new();
        scene.mark();
        let (uptime, is_late) = (Arc::clone(&scene.uptime), AtomicBool::new(false));
        let looks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&looks);
        scene.capture_store.before_each(move |operation, name| {
            if name.starts_with(from) {
                is_late.store(true, Ordering::SeqCst);
            }
            if operation == Operation::List && name == "garbage" && is_late.load(Ordering::SeqCst) {
                counted.fetch_add(1, Ordering::SeqCst);
                uptime.advance(GRACE + 1);
            }
        });
        let (store, _, files, outcome) = scene.commit();
        assert!((8..40).contains(&looks.load(Ordering::SeqCst)));
        assert_failed_cleanly(&store, &files, outcome);
    }
}

#[test]
fn a_store_that_fails_after_the_manifest_makes_the_capture_fail_and_take_it_back() {
    let scene = Scene::new();
    scene.capture_store.fail(
        Fault::new(StoreErrorKind::Unavailable)
            .on(&[Operation::List])
            .named(|name| name == "garbage")
            .after(1),
    );
    let (store, _, _, outcome) = scene.commit();
    assert!(matches!(outcome, Err(RepositoryError::Store(_))), "{outcome:?}");
    assert_eq!(reopen(&store).manifests().unwrap(), []);
}

#[test]
fn a_late_capture_can_be_cancelled_while_it_looks_again() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let files = some_files(1);
    let old = save(&repository, "old", &files).unwrap();
    repository.delete_manifest(&old.id).unwrap();
    clock.advance(2 * GRACE);
    let uptime = Arc::new(FakeClock::new(Timestamp::from_micros(0)));
    let cancel = Cancel::new();
    let options = WriterOptions {
        cancel: cancel.clone(),
        uptime: Arc::new(FakeUptime(Arc::clone(&uptime))),
        ..WriterOptions::default()
    };
    let capture_store = FaultStore::new(Arc::clone(&store));
    let capture = Repository::open(Arc::new(capture_store.clone()), &credential(), rng(5)).unwrap();
    let writer = capture.writer(options).unwrap();
    let root = store_files(&mut writer.lane(), &files).unwrap();
    uptime.advance(GRACE + 1);
    capture_store.before_each(move |operation, name| {
        if operation == Operation::List && name == "index" {
            cancel.cancel();
        }
    });
    let error = writer.finish(manifest("new", root)).unwrap_err();
    assert!(matches!(error, RepositoryError::Cancelled), "{error}");
    assert_eq!(reopen(&store).manifests().unwrap(), []);
}

#[test]
fn without_a_grace_period_a_capture_still_sees_a_sweep() {
    let (clock, store, repository) = with_clock(0);
    let files = some_files(1);
    let old = save(&repository, "old", &files).unwrap();
    repository.delete_manifest(&old.id).unwrap();
    let uptime = Arc::new(FakeClock::new(Timestamp::from_micros(0)));
    let options =
        WriterOptions { uptime: Arc::new(FakeUptime(Arc::clone(&uptime))), ..WriterOptions::default() };
    let writer = reopen(&store).writer(options).unwrap();
    let root = store_files(&mut writer.lane(), &files).unwrap();
    uptime.advance(100);
    clock.advance(1);
    assert!(collect(&store).marked_packs >= 2);
    assert!(collect(&store).removed_packs >= 2);
    assert_failed_cleanly(&store, &files, writer.finish(manifest("new", root)));
    // And in peace it is not late, however long it takes.
    let options =
        WriterOptions { uptime: Arc::new(FakeUptime(Arc::clone(&uptime))), ..WriterOptions::default() };
    uptime.advance(100);
    let receipt = save_with(&reopen(&store), "peace", &files, options).unwrap();
    assert_eq!(load(&reopen(&store), &receipt.id).unwrap(), files);
}
