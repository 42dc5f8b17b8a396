//! Copying snapshots to a repository with other keys, and healing from one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::sync::Arc;

use backstay_repository::{
    Content, ContentHint, CopyOptions, Credential, Entry, InitOptions, Node, RepairOptions, Repository,
    StatisticsOptions, VerifyDepth, VerifyOptions, WriterOptions, Xattr, copy_snapshots,
};
use backstay_store::testing::{Fault, FaultStore};
use backstay_store::{MemoryStore, ObjectName, Store, StoreErrorKind};
use fixtures::snapshots::{Files, load, names, save, some_files};
use fixtures::{array, fresh, init_options, manifest, noise, reopen, rng};

fn other_credential() -> Credential {
    Credential::key_file([7; 32])
}

/// A new repository with a key of its own.
fn other() -> (Arc<dyn Store>, Repository) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let options = InitOptions { credential: other_credential(), ..init_options() };
    let repository = Repository::init(Arc::clone(&store), &options, rng(1000)).unwrap();
    (store, repository)
}

fn full() -> VerifyOptions {
    VerifyOptions { depth: VerifyDepth::Full, ..VerifyOptions::default() }
}

#[test]
fn copies_are_whole_share_content_and_are_not_repeated() {
    let (_, from) = fresh();
    let (target_store, to) = other();
    let mut files = some_files(1);
    let mut saved: Vec<(String, Files)> = Vec::new();
    for n in 0..4 {
        files.insert(format!("images/new-{n}"), noise(30_000, 900 + n));
        save(&from, &format!("s{n}"), &files).unwrap();
        saved.push((format!("snapshot-s{n}"), files.clone()));
    }
    let report = copy_snapshots(&from, &to, &CopyOptions { threads: 2, ..CopyOptions::default() }).unwrap();
    assert_eq!((report.copied.len(), report.skipped.len()), (4, 0));
    assert!(to.verify(&full()).unwrap().is_ok());
    let to = Repository::open(target_store, &other_credential(), rng(5)).unwrap();
    for id in to.manifests().unwrap() {
        let manifest = to.read_manifest(&id).unwrap();
        let (_, files) = saved.iter().find(|(name, _)| name == manifest.snapshot.as_str()).unwrap();
        assert_eq!(load(&to, &id).unwrap(), *files);
    }
    let sizes = [&from, &to].map(|repository| repository.statistics(&StatisticsOptions::default()).unwrap());
    assert!(sizes[1].stored_bytes < sizes[0].stored_bytes * 105 / 100, "{sizes:?}");
    assert_eq!(sizes[0].deduplicated_bytes / 20_000, sizes[1].deduplicated_bytes / 20_000);

    files.insert("images/last".to_owned(), noise(30_000, 999));
    save(&from, "last", &files).unwrap();
    let again = copy_snapshots(&from, &to, &CopyOptions::default()).unwrap();
    assert_eq!((again.copied.len(), again.skipped.len()), (1, 4));
    assert!(again.copied[0].1.stats.stored_bytes < 60_000, "{:?}", again.copied[0].1.stats);
}

#[test]
fn everything_that_an_entry_has_is_copied() {
    let (_, from) = fresh();
    let (_, to) = other();
    let writer = from.writer(WriterOptions::default()).unwrap();
    let mut lane = writer.lane();
    let sparse = {
        let mut data = vec![0; 1 << 20];
        data[300_000..310_000].copy_from_slice(&noise(10_000, 1));
        lane.store_bytes(&data, ContentHint::Image).unwrap()
    };
    let numbers = lane.store_bytes(&array(3 << 20), ContentHint::Array).unwrap();
    let mut entries = vec![
        Entry::new("a-file", Node::File { content: sparse }),
        Entry::new("b-numbers", Node::File { content: numbers }),
        Entry::new("c-link", Node::Symlink { target: b"../a\xff".to_vec() }),
        Entry::new("d-pipe", Node::Fifo),
        Entry::new("e-unreadable", Node::Unreadable),
        Entry::new(b"f-\xff\n".to_vec(), Node::File { content: Content::empty() }),
    ];
    for (n, entry) in entries.iter_mut().enumerate() {
        let n = n as u32;
        entry.mode = 0o640 + n;
        (entry.uid, entry.gid) = (1000 + n, 2000 + n);
        (entry.mtime_ns, entry.ctime_ns) = (i64::from(n) - 5_000_000_001, 77);
        (entry.inode, entry.device, entry.hard_link) = (10 + u64::from(n), 3, (n < 2).then_some(10));
        entry.xattrs = vec![Xattr { name: b"user.x".to_vec(), value: vec![n as u8; 100] }];
    }
    let root = lane.store_directory(&entries).unwrap();
    drop(lane);
    writer.finish(manifest("one", root)).unwrap();
    let report = copy_snapshots(&from, &to, &CopyOptions::default()).unwrap();
    let copied = &report.copied[0].1.manifest;
    let (here, there) = (from.reader(), to.reader());
    let found: Vec<Entry> = there.entries(&copied.root).map(Result::unwrap).collect();
    assert_eq!(found.len(), entries.len());
    for (copy, entry) in found.iter().zip(&entries) {
        match (copy.content(), entry.content()) {
            (Some(copied), Some(original)) => {
                let read = there.read_all(copied, u64::MAX).unwrap();
                assert!(read == here.read_all(original, u64::MAX).unwrap());
                let shape = |reader: &backstay_repository::Reader, content| {
                    reader.extents(content).map(|extent| extent.unwrap().length()).collect::<Vec<_>>()
                };
                assert_eq!(
                    shape(&there, copied),
                    shape(&here, original),
                    "chunks and holes stay as they are"
                );
            }
            (copied, original) => assert_eq!(copied, original),
        }
        let without_content = |entry: &Entry| Entry { node: Node::Fifo, ..entry.clone() };
        assert_eq!(without_content(copy), without_content(entry));
    }
}

#[test]
fn a_copy_broken_off_anywhere_is_completed_by_the_next() {
    let (_, from) = fresh();
    let first = some_files(1);
    save(&from, "first", &first).unwrap();
    save(&from, "second", &some_files(2)).unwrap();
    for nth in (0..).step_by(5) {
        let (inner, _) = other();
        let store = FaultStore::new(Arc::clone(&inner));
        let to = Repository::open(Arc::new(store.clone()), &other_credential(), rng(6)).unwrap();
        store.fail(Fault::new(StoreErrorKind::Full).on_changes().after(nth).forever());
        let outcome = copy_snapshots(&from, &to, &CopyOptions { threads: 1, ..CopyOptions::default() });
        let to = Repository::open(inner, &other_credential(), rng(8)).unwrap();
        for id in to.manifests().unwrap() {
            let manifest = to.read_manifest(&id).unwrap();
            let seed = if manifest.snapshot.as_str().ends_with("first") { 1 } else { 2 };
            assert_eq!(load(&to, &id).unwrap(), some_files(seed), "broken off at change {nth}");
        }
        let is_done = outcome.is_ok();
        copy_snapshots(&from, &to, &CopyOptions::default()).unwrap();
        assert_eq!(to.manifests().unwrap().len(), 2);
        assert!(to.verify(&full()).unwrap().is_ok());
        if is_done {
            assert!(nth > 10, "a copy made only {nth} changes");
            break;
        }
    }
}

#[test]
fn lost_content_is_healed_from_a_copy() {
    let (store, repository) = fresh();
    let (_, healer) = other();
    let files = some_files(1);
    let saved = save(&repository, "one", &files).unwrap();
    copy_snapshots(&repository, &healer, &CopyOptions::default()).unwrap();
    for pack in names(&*store, "packs") {
        let name = ObjectName::parse(&pack).unwrap();
        let good = store.get(&name).unwrap();
        store.delete(&name).unwrap();
        let broken = reopen(&store);
        assert!(load(&broken, &saved.id).is_err());
        let options = RepairOptions { heal_from: Some(healer.clone()), ..RepairOptions::default() };
        let report = broken.repair(&options).unwrap();
        assert_eq!((report.dropped_packs, report.healed_snapshots), (1, 1), "{report:#?}");
        assert!(report.left.is_ok(), "{report:#?}");
        let repository = reopen(&store);
        assert_eq!(load(&repository, &saved.id).unwrap(), files);
        assert!(repository.verify(&full()).unwrap().is_ok());
        drop(good);
    }
}

#[test]
fn a_damaged_snapshot_is_no_parent() {
    let (store, repository) = fresh();
    let files = some_files(1);
    let saved = save(&repository, "one", &files).unwrap();
    let options = || WriterOptions { parent: Some(saved.id), ..WriterOptions::default() };
    assert!(reopen(&store).writer(options()).unwrap().parent().is_some());
    let large = names(&*store, "packs")
        .into_iter()
        .map(|name| ObjectName::parse(&name).unwrap())
        .max_by_key(|name| store.head(name).unwrap().unwrap().size)
        .unwrap();
    store.delete(&large).unwrap();
    let report = reopen(&store).repair(&RepairOptions::default()).unwrap();
    assert_eq!(report.left.snapshots.len(), 1);
    assert!(reopen(&store).writer(options()).unwrap().parent().is_none());
    save(&reopen(&store), "two", &files).unwrap();
    assert!(reopen(&store).repair(&RepairOptions::default()).unwrap().left.is_ok());
    assert!(reopen(&store).writer(options()).unwrap().parent().is_some());
    assert_eq!(load(&reopen(&store), &saved.id).unwrap(), files);
}
