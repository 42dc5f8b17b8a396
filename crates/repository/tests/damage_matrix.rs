//! Every kind of object, damaged in every way: it is detected and named, everything that does not depend on it still
//! restores, what is reported lost is exactly what cannot be read, and a repair followed by a capture of the same files
//! makes everything whole again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixtures;

use std::collections::BTreeSet;
use std::sync::Arc;

use backstay_repository::{
    ManifestId, RepairOptions, Repository, RepositoryError, VerifyDepth, VerifyOptions, VerifyReport,
};
use backstay_store::{MemoryStore, ObjectName, Store};
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
}

const ALL: [Damage; 10] = [
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
];

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
