//! Garbage collection: what goes, what stays, and when; also with captures in between.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backstay_model::FakeClock;
use backstay_repository::{
    CollectOptions, Repository, RepositoryError, StatisticsOptions, VerifyDepth, VerifyOptions, WriterOptions,
};
use backstay_store::testing::{FaultStore, Operation};
use backstay_store::{MemoryStore, ObjectName, Store};
use fixtures::snapshots::{init, load, names, save, save_with, some_files, store_files, with_clock};
use fixtures::{manifest, noise, reopen};

const GRACE: i64 = 1000;

fn collect(repository: &Repository) -> backstay_repository::CollectReport {
    repository.collect(&CollectOptions { threads: 2, ..CollectOptions::default() }).unwrap()
}

fn assert_whole(repository: &Repository) {
    let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
    let report = repository.verify(&options).unwrap();
    assert!(report.is_ok(), "{report:#?}");
}

#[test]
fn what_nothing_references_goes_after_two_grace_periods_and_not_before() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let (kept, gone) = (some_files(1), some_files(2));
    let first = save(&repository, "kept", &kept).unwrap();
    let second = save(&repository, "gone", &gone).unwrap();
    let full = repository.statistics(&StatisticsOptions::default()).unwrap().stored_bytes;
    repository.delete_manifest(&second.id).unwrap();

    // Deleted a moment ago: nothing is marked.
    assert_eq!(collect(&repository).marked_packs, 0);
    clock.advance(2 * GRACE);
    let marked = collect(&repository);
    assert!(
        marked.marked_packs > 0 && marked.removed_packs == 0 && marked.removed_manifests == 1,
        "{marked:?}"
    );
    assert_eq!(names(&*store, "garbage").len() as u64, marked.marked_packs);
    // Marked a moment ago: nothing is removed, and nothing is marked twice.
    clock.advance(GRACE - 1);
    let waiting = collect(&repository);
    assert_eq!(
        (waiting.removed_packs, waiting.marked_packs, waiting.waiting_packs),
        (0, 0, marked.marked_packs)
    );
    clock.advance(GRACE);
    let swept = collect(&repository);
    assert_eq!(swept.removed_packs, marked.marked_packs);
    assert!(swept.removed_bytes > 2_500_000);
    // The markers outlive the packs for another grace period, and so does the sweep that told of them.
    assert_eq!(names(&*store, "garbage").len() as u64, marked.marked_packs + 1);
    clock.advance(2 * GRACE);
    collect(&repository);
    assert_eq!(names(&*store, "garbage"), Vec::<String>::new());

    for repository in [repository, reopen(&store)] {
        assert_eq!(load(&repository, &first.id).unwrap(), kept);
        assert_whole(&repository);
        assert!(repository.statistics(&StatisticsOptions::default()).unwrap().stored_bytes < full * 6 / 10);
    }
}

#[test]
fn a_pack_of_which_little_is_used_is_rewritten() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let mut files = some_files(1);
    let first = save(&repository, "first", &files).unwrap();
    files.retain(|path, _| !path.starts_with("large"));
    let second = save(&repository, "second", &files).unwrap();
    repository.delete_manifest(&first.id).unwrap();
    for _ in 0..4 {
        clock.advance(2 * GRACE);
        collect(&repository);
    }
    let repository = reopen(&store);
    assert_eq!(load(&repository, &second.id).unwrap(), files);
    assert_whole(&repository);
    let statistics = repository
        .statistics(&StatisticsOptions { count_unused: true, ..StatisticsOptions::default() })
        .unwrap();
    assert!(statistics.stored_bytes < 400_000, "{statistics:?}");
    assert!(statistics.unused_bytes.unwrap() < statistics.stored_bytes / 9);
    assert_eq!(names(&*store, "packs").len() as u64, statistics.packs);
}

#[test]
fn nothing_happens_to_a_repository_in_use() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    for n in 0..5 {
        save(&repository, &format!("s{n}"), &some_files(n)).unwrap();
        clock.advance(GRACE);
    }
    let before = names(&*store, "");
    for _ in 0..3 {
        clock.advance(2 * GRACE);
        let report = collect(&repository);
        assert_eq!((report.marked_packs, report.removed_packs, report.replaced_index_objects), (0, 0, 0));
    }
    assert_eq!(names(&*store, ""), before);
}

#[test]
fn many_small_packs_and_index_objects_become_few() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let mut files = fixtures::snapshots::Files::new();
    let mut receipts = Vec::new();
    for n in 0..70 {
        files.insert(format!("file-{n}"), noise(500, n));
        receipts.push((save(&repository, &format!("s{n}"), &files).unwrap().id, files.clone()));
    }
    let before = (names(&*store, "packs").len(), names(&*store, "index").len());
    for _ in 0..4 {
        clock.advance(2 * GRACE);
        collect(&repository);
    }
    let after = (names(&*store, "packs").len(), names(&*store, "index").len());
    assert!(after.0 <= 10 && after.1 <= 16, "{before:?} became {after:?}");
    let repository = reopen(&store);
    for (id, files) in receipts {
        assert_eq!(load(&repository, &id).unwrap(), files);
    }
    assert_whole(&repository);
}

/// A repository in which everything of `files` is marked: its only snapshot was deleted long ago.
fn all_marked(files: &fixtures::snapshots::Files) -> (Arc<FakeClock>, Arc<dyn Store>, Repository) {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let old = save(&repository, "old", files).unwrap();
    repository.delete_manifest(&old.id).unwrap();
    clock.advance(2 * GRACE);
    assert!(collect(&repository).marked_packs >= 2);
    (clock, store, repository)
}

#[test]
fn a_capture_after_the_mark_does_not_rely_on_marked_packs() {
    let files = some_files(1);
    let (clock, store, repository) = all_marked(&files);
    let receipt = save(&reopen(&store), "new", &files).unwrap();
    assert!(receipt.stats.new_bytes > 2_500_000, "everything is stored again");
    clock.advance(2 * GRACE);
    assert!(collect(&repository).removed_packs >= 2);
    let repository = reopen(&store);
    assert_eq!(load(&repository, &receipt.id).unwrap(), files);
    assert_whole(&repository);
}

#[test]
fn a_capture_that_began_before_the_mark_takes_the_mark_back() {
    let files = some_files(1);
    let (clock, store, repository) = with_clock(GRACE as u64);
    let old = save(&repository, "old", &files).unwrap();
    repository.delete_manifest(&old.id).unwrap();
    clock.advance(2 * GRACE);
    let other = reopen(&store);
    let writer = other.writer(WriterOptions::default()).unwrap();
    assert!(collect(&repository).marked_packs >= 2);
    let root = store_files(&mut writer.lane(), &files).unwrap();
    let receipt = writer.finish(manifest("new", root)).unwrap();
    assert_eq!(receipt.stats.new_bytes, 0, "it relies on what was marked meanwhile");
    clock.advance(2 * GRACE);
    let report = collect(&repository);
    assert!(report.unmarked_packs >= 2 && report.removed_packs == 0, "{report:?}");
    assert_eq!(load(&reopen(&store), &receipt.id).unwrap(), files);
    assert_whole(&reopen(&store));
}

#[test]
fn a_snapshot_deleted_a_moment_ago_is_spared() {
    let files = some_files(1);
    let (clock, store, repository) = with_clock(GRACE as u64);
    let parent = save(&repository, "parent", &files).unwrap();
    clock.advance(5 * GRACE);
    repository.delete_manifest(&parent.id).unwrap();
    clock.advance(GRACE / 2);
    let report = collect(&repository);
    assert_eq!((report.marked_packs, report.removed_manifests), (0, 0));
    assert_eq!(names(&*store, "trash").len(), 1);
}

#[test]
fn what_a_capture_left_that_was_broken_off_a_moment_ago_is_not_marked() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let writer = repository.writer(WriterOptions::default()).unwrap();
    store_files(&mut writer.lane(), &[("long".to_owned(), noise(40 << 20, 1))].into()).unwrap();
    while names(&*store, "packs").is_empty() {
        std::thread::yield_now();
    }
    drop(writer);
    clock.advance(GRACE - 1);
    assert_eq!(collect(&repository).marked_packs, 0, "the next capture may find it useful");
    clock.advance(1);
    assert!(collect(&repository).marked_packs > 0);
}

#[test]
fn a_clock_of_the_store_that_jumps_back_makes_a_collection_wait() {
    let files = some_files(1);
    let (clock, store, repository) = all_marked(&files);
    clock.advance(-100 * GRACE);
    let receipt = save(&reopen(&store), "new", &some_files(2)).unwrap();
    let report = collect(&repository);
    assert_eq!((report.removed_packs, report.marked_packs), (0, 0));
    assert_eq!(load(&reopen(&store), &receipt.id).unwrap(), some_files(2));
}

#[test]
fn a_damaged_repository_is_not_collected() {
    let (clock, store, repository) = with_clock(GRACE as u64);
    let receipt = save(&repository, "one", &some_files(1)).unwrap();
    save(&repository, "two", &some_files(2)).unwrap();
    clock.advance(5 * GRACE);
    let manifest_name = receipt.id.object_name();
    let good = store.get(&manifest_name).unwrap();
    let mut bad = good.to_vec();
    bad[100] ^= 1;
    let before = names(&*store, "packs");
    for name in [manifest_name.to_string(), names(&*store, "index")[0].clone()] {
        let name = ObjectName::parse(&name).unwrap();
        let good = store.get(&name).unwrap();
        let mut bad = good.to_vec();
        bad[good.len() / 2] ^= 1;
        store.put(&name, &bad).unwrap();
        let error = reopen(&store).collect(&CollectOptions::default()).unwrap_err();
        assert!(
            matches!(&error, RepositoryError::Damaged { object, .. } if *object == name.to_string()),
            "{error}"
        );
        store.put(&name, &good).unwrap();
    }
    // Without an index object, data chunks are unknown.
    let index = ObjectName::parse(&names(&*store, "index")[0]).unwrap();
    let good = store.get(&index).unwrap();
    store.delete(&index).unwrap();
    let error = reopen(&store).collect(&CollectOptions::default()).unwrap_err();
    assert!(matches!(error, RepositoryError::MissingChunk { .. }), "{error}");
    store.put(&index, &good).unwrap();
    assert_eq!(names(&*store, "packs"), before);
    assert_eq!(names(&*store, "garbage"), Vec::<String>::new());
}

#[test]
fn a_collection_broken_off_anywhere_does_no_harm() {
    let files = some_files(1);
    for nth in 0.. {
        let clock = Arc::new(FakeClock::new(backstay_model::Timestamp::from_micros(1_767_435_330_000_000)));
        let inner: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(clock.clone()));
        let store = FaultStore::new(inner.clone());
        let repository = init(&(Arc::new(store.clone()) as Arc<dyn Store>), GRACE as u64, 1);
        let mut part = files.clone();
        part.retain(|path, _| !path.starts_with("large"));
        let all = save(&repository, "all", &files).unwrap();
        let some = save(&repository, "some", &part).unwrap();
        repository.delete_manifest(&all.id).unwrap();
        let broken = AtomicBool::new(false);
        store.fail(
            backstay_store::testing::Fault::new(backstay_store::StoreErrorKind::Unavailable)
                .on_changes()
                .after(nth),
        );
        for _ in 0..4 {
            clock.advance(2 * GRACE);
            if repository.collect(&CollectOptions { threads: 1, ..CollectOptions::default() }).is_err() {
                broken.store(true, Ordering::Relaxed);
            }
            let repository = reopen(&inner);
            assert_eq!(load(&repository, &some.id).unwrap(), part, "broken off at change {nth}");
        }
        store.heal();
        for _ in 0..4 {
            clock.advance(2 * GRACE);
            collect(&repository);
        }
        assert_whole(&reopen(&inner));
        let left = reopen(&inner).statistics(&StatisticsOptions::default()).unwrap().stored_bytes;
        assert!(left < 400_000, "broken off at change {nth}: {left} bytes stayed");
        if !broken.into_inner() {
            assert!(nth > 10, "the collection made only {nth} changes");
            break;
        }
    }
}

#[test]
fn a_slow_second_collector_that_brings_back_an_index_entry_does_no_harm() {
    let (clock, inner, repository) = with_clock(GRACE as u64);
    // Enough index objects that both collectors want to merge them.
    let mut files = fixtures::snapshots::Files::new();
    for n in 0..20 {
        files.insert(format!("file-{n}"), noise(700, n));
        save(&repository, &format!("s{n}"), &files).unwrap();
    }
    let doomed = save(&repository, "doomed", &some_files(9)).unwrap();
    repository.delete_manifest(&doomed.id).unwrap();
    clock.advance(2 * GRACE);
    assert!(collect(&repository).marked_packs > 0);
    clock.advance(GRACE - 1);
    // The slow one has read everything and is about to write its index when the fast one sweeps.
    let slow_store = FaultStore::new(inner.clone());
    let slow =
        Repository::open(Arc::new(slow_store.clone()), &fixtures::credential(), fixtures::rng(7)).unwrap();
    let fast = reopen(&inner);
    let once = AtomicBool::new(false);
    let moved = clock.clone();
    slow_store.before_each(move |operation, name| {
        if operation == Operation::Put && name.starts_with("index/") && !once.swap(true, Ordering::SeqCst) {
            moved.advance(GRACE / 4);
            assert!(collect(&fast).removed_packs > 0);
        }
    });
    let _ = slow.collect(&CollectOptions::default());
    for n in 0..2 {
        let again = save(&reopen(&inner), &format!("again-{n}"), &some_files(9)).unwrap();
        assert_eq!(load(&reopen(&inner), &again.id).unwrap(), some_files(9));
        let options = VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() };
        assert_eq!(reopen(&inner).verify(&options).unwrap().snapshots, []);
        clock.advance(3 * GRACE);
        collect(&reopen(&inner));
    }
    assert_whole(&reopen(&inner));
}

#[test]
fn a_rewrite_survives_captures_that_refer_to_unused_chunks_of_the_pack() {
    let files = some_files(3);
    let (clock, store, repository) = with_clock(GRACE as u64);
    let all = save(&repository, "all", &files).unwrap();
    let mut part = files.clone();
    part.retain(|path, _| !path.starts_with("large"));
    let some = save(&repository, "some", &part).unwrap();
    repository.delete_manifest(&all.id).unwrap();
    clock.advance(2 * GRACE);
    // Begun before the mark: relies on the chunks of `large`, which only the marked pack has.
    let other = reopen(&store);
    let writer = other.writer(WriterOptions::default()).unwrap();
    let root = store_files(&mut writer.lane(), &files).unwrap();
    assert!(collect(&repository).rewritten_packs > 0);
    let back = writer.finish(manifest("back", root)).unwrap();
    for _ in 0..3 {
        clock.advance(2 * GRACE);
        collect(&repository);
        let repository = reopen(&store);
        assert_eq!(load(&repository, &back.id).unwrap(), files);
        assert_eq!(load(&repository, &some.id).unwrap(), part);
    }
    assert_whole(&reopen(&store));
    let new = save_with(&reopen(&store), "new", &files, WriterOptions::default()).unwrap();
    assert_eq!(new.stats.new_bytes, 0);
}
