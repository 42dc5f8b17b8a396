//! Every kind of object, damaged in every way: it is detected and named, everything that does not depend on it still
//! restores, what is reported lost is exactly what cannot be read, and a repair followed by a capture of the same files
//! makes everything whole again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use backstay_repository::{
    CollectOptions, ManifestId, RepairOptions, Repository, RepositoryError, VerifyDepth, VerifyOptions,
    VerifyReport,
};
use backstay_store::testing::{Fault, FaultStore, Operation};
use backstay_store::{MemoryStore, ObjectName, Store, StoreErrorKind};
use fixtures::snapshots::{Files, init, load, names, save, some_files};
use fixtures::{credential, noise, reopen, rng};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Truncated,
    BitFlipped(u64),
    Removed,
    Swapped,
    Emptied,
    Garbage,
    /// An object of the same kind of another repository, which the same credential opens.
    Foreign,
}

const ALL: [Damage; 11] = [
    Damage::Truncated,
    Damage::BitFlipped(0),
    Damage::BitFlipped(9),
    Damage::BitFlipped(40),
    Damage::BitFlipped(500),
    Damage::BitFlipped(999),
    Damage::Removed,
    Damage::Swapped,
    Damage::Emptied,
    Damage::Garbage,
    Damage::Foreign,
];

/// The largest object of another repository of the same kind as `name`.
fn foreign(name: &str) -> Vec<u8> {
    static OTHER: OnceLock<Arc<dyn Store>> = OnceLock::new();
    let store = OTHER.get_or_init(|| {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        save(&init(&store, 1000, 2), "foreign", &some_files(1)).unwrap();
        store
    });
    let folder = name.split('/').next().unwrap();
    let objects = names(&**store, "").into_iter().filter(|other| other.split('/').next() == Some(folder));
    objects
        .map(|other| store.get(&ObjectName::parse(&other).unwrap()).unwrap().to_vec())
        .max_by_key(Vec::len)
        .unwrap()
}

/// A copy of the store in which the object `name` is damaged; `other` is one of the same kind.
fn damaged(store: &dyn Store, name: &str, other: &str, damage: Damage) -> Arc<dyn Store> {
    let copy = MemoryStore::new();
    store
        .list("", &mut |meta| {
            copy.put(&meta.name, &store.get(&meta.name).unwrap()).unwrap();
            true
        })
        .unwrap();
    let (name, other) = (ObjectName::parse(name).unwrap(), ObjectName::parse(other).unwrap());
    let good = store.get(&name).unwrap();
    let length = good.len();
    match damage {
        Damage::Truncated => copy.put(&name, &good[..length * 2 / 3]).unwrap(),
        Damage::BitFlipped(thousandth) => {
            let mut bad = good.to_vec();
            bad[length * thousandth as usize / 1000] ^= 0x10;
            copy.put(&name, &bad).unwrap();
        }
        Damage::Removed => copy.delete(&name).unwrap(),
        Damage::Swapped => {
            copy.put(&name, &store.get(&other).unwrap()).unwrap();
            copy.put(&other, &good).unwrap();
        }
        Damage::Emptied => copy.put(&name, b"").unwrap(),
        Damage::Garbage => copy.put(&name, &noise(length, 77)).unwrap(),
        Damage::Foreign => copy.put(&name, &foreign(name.as_str())).unwrap(),
    }
    Arc::new(copy)
}

/// Two snapshots that share some files, and their contents.
fn two_snapshots() -> (Arc<dyn Store>, Vec<(ManifestId, Files)>) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let repository = init(&store, 1000, 1);
    let mut saved = Vec::new();
    for seed in [1, 2] {
        let files = some_files(seed);
        saved.push((save(&repository, &format!("s{seed}"), &files).unwrap().id, files));
    }
    (store, saved)
}

fn verify(repository: &Repository, depth: VerifyDepth) -> VerifyReport {
    repository.verify(&VerifyOptions { depth, threads: 2, ..VerifyOptions::default() }).unwrap()
}

/// Compares what can be read of every snapshot with what was saved and with what the report says is lost.
fn assert_rest_is_whole(
    repository: &Repository,
    saved: &[(ManifestId, Files)],
    report: &VerifyReport,
    what: &str,
) {
    let reader = repository.reader();
    for (id, files) in saved {
        let Ok(manifest) = repository.read_manifest(id) else {
            let listed =
                report.snapshots.iter().any(|damage| damage.manifest == *id && damage.snapshot.is_none());
            assert!(listed || !repository.manifests().unwrap().contains(id), "{what}");
            continue;
        };
        let lost: BTreeSet<String> = report
            .snapshots
            .iter()
            .filter(|damage| damage.manifest == *id)
            .flat_map(|damage| &damage.lost)
            .map(|lost| String::from_utf8(lost.path.clone()).unwrap())
            .collect();
        for (path, data) in files {
            let expected_lost = lost.contains("")
                || lost.contains(path)
                || path.split_once('/').is_some_and(|(directory, _)| lost.contains(directory));
            let read = reader
                .lookup_path(&manifest.root, path.as_bytes())
                .and_then(|entry| reader.read_all(entry.unwrap().content().unwrap(), u64::MAX));
            match read {
                Ok(read) => {
                    assert!(read == *data, "{what}: {path} is silently wrong");
                    assert!(!expected_lost, "{what}: {path} is readable and reported as lost");
                }
                Err(error) => {
                    assert!(expected_lost, "{what}: {path} is not reported as lost: {error}");
                    let named = matches!(
                        error,
                        RepositoryError::Damaged { .. } | RepositoryError::MissingChunk { .. }
                    );
                    assert!(named, "{what}: {path}: {error}");
                }
            }
        }
    }
}

/// Repairs, captures the same files again, and expects every snapshot whose manifest is readable to be whole.
fn assert_heals(store: &Arc<dyn Store>, saved: &[(ManifestId, Files)], what: &str) {
    let repository = reopen(store);
    let report = repository.repair(&RepairOptions { threads: 2, ..RepairOptions::default() }).unwrap();
    assert_rest_is_whole(&reopen(store), saved, &report.left, &format!("{what}, repaired"));
    for (number, (_, files)) in saved.iter().enumerate() {
        save(&reopen(store), &format!("again-{number}"), files).unwrap();
    }
    let repository = reopen(store);
    for (id, files) in saved {
        if repository.read_manifest(id).is_ok() {
            assert_eq!(load(&repository, id).unwrap(), *files, "{what}, healed");
        }
    }
    let left = verify(&repository, VerifyDepth::Full);
    let unreadable = left.snapshots.iter().all(|damage| damage.snapshot.is_none());
    assert!(unreadable && left.missing_chunks == 0, "{what}: {left:#?}");
}

#[test]
fn packs() {
    let (store, saved) = two_snapshots();
    let packs = names(&*store, "packs");
    assert_eq!(packs.len(), 4, "each snapshot has a pack of data and one of pages");
    let size = |name: &String| store.head(&ObjectName::parse(name).unwrap()).unwrap().unwrap().size;
    for name in &packs {
        let is_like = |other: &&String| **other != *name && (size(other) > 100_000) == (size(name) > 100_000);
        let other = packs.iter().find(is_like).unwrap();
        for damage in ALL {
            let what = format!("{name} {damage:?}");
            let store = damaged(&*store, name, other, damage);
            let report = verify(&reopen(&store), VerifyDepth::Full);
            assert!(report.damaged.iter().any(|found| found.object == *name), "{what}: {report:#?}");
            let expected = if damage == Damage::Swapped { vec![name, other] } else { vec![name] };
            let named: BTreeSet<_> = report
                .damaged
                .iter()
                .map(|found| &found.object)
                .filter(|name| name.starts_with("packs/"))
                .collect();
            assert_eq!(named, expected.into_iter().collect(), "{what}: only what is damaged is named");
            assert_rest_is_whole(&reopen(&store), &saved, &report, &what);
            assert_heals(&store, &saved, &what);
        }
    }
}

#[test]
fn index_objects() {
    let (store, saved) = two_snapshots();
    let objects = names(&*store, "index");
    for damage in ALL {
        let what = format!("{} {damage:?}", objects[0]);
        let store = damaged(&*store, &objects[0], &objects[1], damage);
        let report = verify(&reopen(&store), VerifyDepth::Structure);
        assert!(!report.is_ok(), "{what}");
        if damage != Damage::Removed {
            assert!(report.damaged.iter().any(|found| found.object == objects[0]), "{what}: {report:#?}");
        }
        let repaired = reopen(&store).repair(&RepairOptions::default()).unwrap();
        assert!(repaired.indexed_packs >= 2 && repaired.left.is_ok(), "{what}: {repaired:#?}");
        let repository = reopen(&store);
        for (id, files) in &saved {
            assert_eq!(load(&repository, id).unwrap(), *files, "{what}");
        }
    }
}

#[test]
fn manifests() {
    let (store, saved) = two_snapshots();
    let (name, other) = (saved[0].0.object_name().to_string(), saved[1].0.object_name().to_string());
    for damage in ALL {
        let what = format!("{name} {damage:?}");
        let store = damaged(&*store, &name, &other, damage);
        let repository = reopen(&store);
        let report = verify(&repository, VerifyDepth::Structure);
        if damage == Damage::Removed {
            // The same as a deletion, as far as the repository can tell; the catalog knows better.
            assert!(report.is_ok(), "{what}");
        } else {
            assert!(report.damaged.iter().any(|found| found.object == name), "{what}: {report:#?}");
            assert!(repository.read_manifest(&saved[0].0).is_err(), "{what}");
        }
        assert_rest_is_whole(&repository, &saved, &report, &what);
        assert_heals(&store, &saved, &what);
    }
}

#[test]
fn keys() {
    let (store, saved) = two_snapshots();
    let second = backstay_repository::Credential::key_file([9; 32]);
    let created_at = backstay_model::Timestamp::EPOCH;
    let first_id = reopen(&store).keys().unwrap()[0].id.clone();
    reopen(&store).add_key(&second, "second", created_at).unwrap();
    let keys = names(&*store, "keys");
    let name = format!("keys/{first_id}");
    let other = keys.iter().find(|key| **key != name).unwrap();
    for damage in ALL {
        let what = format!("{name} {damage:?}");
        let store = damaged(&*store, &name, other, damage);
        let first_error = Repository::open(Arc::clone(&store), &credential(), rng(3)).err();
        if damage == Damage::Swapped {
            // Each key is bound to its own id.
            assert!(matches!(first_error, Some(RepositoryError::WrongCredential { .. })), "{what}");
            continue;
        }
        if let Some(error) = first_error {
            let expected = matches!(
                error,
                RepositoryError::WrongCredential { .. }
                    | RepositoryError::Damaged { .. }
                    | RepositoryError::NewerFormat { .. }
            );
            assert!(expected, "{what}: {error}");
        }
        let repository = Repository::open(Arc::clone(&store), &second, rng(3)).unwrap();
        for (id, files) in &saved {
            assert_eq!(load(&repository, id).unwrap(), *files, "{what}");
        }
    }
}

#[test]
fn config() {
    let (store, _) = two_snapshots();
    for damage in ALL.into_iter().filter(|damage| *damage != Damage::Swapped) {
        let store = damaged(&*store, "config", "config", damage);
        let error = Repository::open(store, &credential(), rng(3)).expect_err("a damaged config is refused");
        let expected = match damage {
            Damage::Removed => matches!(error, RepositoryError::NotARepository { .. }),
            _ => matches!(
                error,
                RepositoryError::Damaged { .. }
                    | RepositoryError::WrongCredential { .. }
                    | RepositoryError::NewerFormat { .. }
            ),
        };
        assert!(expected, "{damage:?}: {error}");
    }
}

/// What collections and deletions leave for a while holds nothing up, whatever becomes of it.
#[test]
fn deleted_manifests_marks_and_sweeps() {
    let (clock, store, repository) = fixtures::snapshots::with_clock(1000);
    let kept = save(&repository, "kept", &some_files(1)).unwrap();
    for seed in [2, 3] {
        let gone = save(&repository, &format!("gone-{seed}"), &some_files(seed)).unwrap();
        repository.delete_manifest(&gone.id).unwrap();
        clock.advance(1500);
        repository.collect(&CollectOptions::default()).unwrap();
    }
    clock.advance(500);
    let last = save(&repository, "last", &some_files(4)).unwrap();
    repository.delete_manifest(&last.id).unwrap();
    // Now there is one of each, and a collection that was broken off before it removed what it had told.
    let broken = FaultStore::new(Arc::clone(&store));
    broken.fail(
        Fault::new(StoreErrorKind::Unavailable)
            .on(&[Operation::Delete])
            .named(|name| name.starts_with("packs/")),
    );
    let collector = Repository::open(Arc::new(broken), &credential(), rng(4)).unwrap();
    clock.advance(800);
    collector.collect(&CollectOptions::default()).unwrap_err();
    let objects = [names(&*store, "trash"), names(&*store, "garbage")].concat();
    let of = |start: &str| objects.iter().filter(|name| name.starts_with(start)).count();
    assert!(of("trash/") > 0 && of("garbage/sweep-") > 0, "{objects:?}");
    let one_of_each = ["trash/", "garbage/sweep-", "garbage/"]
        .map(|start| objects.iter().find(|name| name.starts_with(start)).unwrap());
    for name in one_of_each {
        for damage in
            [Damage::Truncated, Damage::BitFlipped(500), Damage::Removed, Damage::Swapped, Damage::Emptied]
        {
            let what = format!("{name} {damage:?}");
            let other = objects.iter().rfind(|other| *other != name && !other.contains("sweep-")).unwrap();
            let store = damaged(&*store, name, other, damage);
            let new = save(&reopen(&store), "new", &some_files(2)).unwrap();
            for _ in 0..2 {
                let options = CollectOptions { grace_seconds: Some(0), ..CollectOptions::default() };
                reopen(&store).collect(&options).unwrap();
            }
            for (id, seed) in [(kept.id, 1), (new.id, 2)] {
                assert_eq!(load(&reopen(&store), &id).unwrap(), some_files(seed), "{what}");
            }
            assert!(verify(&reopen(&store), VerifyDepth::Full).is_ok(), "{what}");
        }
    }
}

#[test]
fn every_single_bit_of_the_small_objects_matters() {
    let (store, saved) = two_snapshots();
    for name in [saved[0].0.object_name().to_string(), names(&*store, "index")[0].clone()] {
        let object = ObjectName::parse(&name).unwrap();
        let good = store.get(&object).unwrap();
        for place in 0..good.len() {
            let mut bad = good.to_vec();
            bad[place] ^= 1 << (place % 8);
            store.put(&object, &bad).unwrap();
            let report = verify(&reopen(&store), VerifyDepth::Structure);
            assert!(report.damaged.iter().any(|found| found.object == name), "byte {place} of {name}");
        }
        store.put(&object, &good).unwrap();
    }
    assert!(verify(&reopen(&store), VerifyDepth::Full).is_ok());
}
