//! What is particular to a local directory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use backstay_store::{LocalStore, ObjectName, Store, StoreErrorKind};
use tempfile::TempDir;

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn store() -> (TempDir, LocalStore) {
    let home = tempfile::tempdir().unwrap();
    let store = LocalStore::open(home.path().join("deep/er/repository")).unwrap();
    (home, store)
}

fn root(home: &TempDir) -> std::path::PathBuf {
    home.path().join("deep/er/repository")
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

#[test]
fn reading_creates_nothing() {
    let (home, store) = store();
    assert!(store.head(&name("config")).unwrap().is_none());
    assert_eq!(store.get(&name("config")).unwrap_err().kind, StoreErrorKind::NotFound);
    store.list("packs", &mut |_| true).unwrap();
    store.delete(&name("packs/a")).unwrap();
    assert_eq!(store.clean_temporary().unwrap(), 0);
    assert_eq!(files(home.path()), 0);
}

#[test]
fn files_have_the_names_of_objects_and_belong_to_their_owner_alone() {
    let (home, store) = store();
    store.put(&name("packs/0a"), b"x").unwrap();
    let file = root(&home).join("packs/0a");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(files(&root(&home).join(".tmp")), 0);
}

#[test]
fn only_old_temporary_files_are_cleaned() {
    let (home, store) = store();
    store.put(&name("packs/a"), b"x").unwrap();
    let temporary = root(&home).join(".tmp");
    let now = SystemTime::UNIX_EPOCH
        + Duration::from_micros(store.head(&name("packs/a")).unwrap().unwrap().modified.as_micros() as u64);
    for (file, age_hours) in [("77-1", 25), ("77-2", 1000), ("77-3", 23), ("77-4", 0)] {
        let file = fs::File::create(temporary.join(file)).unwrap();
        file.set_modified(now - Duration::from_secs(age_hours * 3600)).unwrap();
    }
    assert_eq!(store.clean_temporary().unwrap(), 2);
    assert!(temporary.join("77-3").exists() && temporary.join("77-4").exists());
    assert_eq!(files(&temporary), 2);
    assert_eq!(store.clean_temporary().unwrap(), 0);
}

#[test]
fn foreign_files_are_left_alone_and_not_listed() {
    let (home, store) = store();
    store.put(&name("packs/a"), b"x").unwrap();
    fs::write(root(&home).join("packs/README.txt"), b"?").unwrap();
    fs::write(root(&home).join("packs/.nfs0001"), b"?").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", root(&home).join("packs/b")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, root(&home).join("packs/c"), 0o600.into()).unwrap();
    let mut seen = Vec::new();
    store
        .list("", &mut |meta| {
            seen.push(meta.name.to_string());
            true
        })
        .unwrap();
    assert_eq!(seen, ["packs/a"]);
    for foreign in ["packs/b", "packs/c", "packs", "packs/a/d"].map(name) {
        assert!(store.head(&foreign).unwrap().is_none());
        assert_eq!(store.get(&foreign).unwrap_err().kind, StoreErrorKind::NotFound);
        assert_eq!(store.get_range(&foreign, 0..0).unwrap_err().kind, StoreErrorKind::NotFound);
    }
}

#[test]
fn a_store_that_was_removed_is_made_again() {
    let (home, store) = store();
    store.put(&name("packs/a"), b"x").unwrap();
    fs::remove_dir_all(root(&home)).unwrap();
    store.put(&name("packs/b"), b"y").unwrap();
    assert_eq!(store.get(&name("packs/b")).unwrap(), b"y"[..]);
    assert!(store.head(&name("packs/a")).unwrap().is_none());
}

#[test]
fn a_place_that_is_no_directory_is_a_clear_error() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), b"x").unwrap();
    let store = LocalStore::open(home.path().join("file")).unwrap();
    let error = store.put(&name("config"), b"x").unwrap_err();
    assert!(error.to_string().contains(&home.path().join("file").display().to_string()), "{error}");
    assert!(store.head(&name("config")).unwrap().is_none());
}
