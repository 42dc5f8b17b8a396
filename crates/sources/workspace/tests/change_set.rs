//! A set of changes happens whole or not at all, wherever it is stopped.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use backstay_source_workspace::PathChangeKind::{Added, Deleted, Modified};
use backstay_source_workspace::{
    Applied, ChangeSet, ChangeSetOptions, Layer, LayerEntry, LayerKind, Outcome, PathChangeKind, Result,
    Seen, Steps, WorkspaceError, acknowledge,
};
use backstay_testkit::Picture;
use fixtures::{Bench, error_of};

fn before(bench: &Bench) {
    bench.write("graft.yaml", "deps: {kb: v1}\n");
    bench.write("old/a", "1");
    bench.write("old/deep/b", "2");
    bench.write("tool", "#!/bin/sh\n");
    bench.write("link-me", "a file first");
    bench.write("dir-me", "a file first");
    bench.write("gone", "1");
    bench.write(".git/index", "index 1");
    fs::set_permissions(bench.path(".git/index"), fs::Permissions::from_mode(0o640)).unwrap();
    bench.write(".git/modules/kb/HEAD", "1111\n");
    bench.write("kept/by/all", "1");
}

fn begin(bench: &Bench, lock: &backstay_source_workspace::WorkspaceLock, steps: Steps) -> Result<ChangeSet> {
    let options = ChangeSetOptions {
        operation: bench.operation(),
        kind: "test".to_owned(),
        snapshot: None,
        safety_snapshot: None,
        steps,
    };
    ChangeSet::begin(&bench.root, lock, options)
}

/// Changes everything that [`before`] made, in every way.
fn change(bench: &Bench, steps: Steps) -> Result<Applied> {
    let lock = bench.lock();
    let mut set = begin(bench, &lock, steps)?;
    fs::create_dir_all(set.scratch().join("new-tree/inner")).unwrap();
    fs::write(set.scratch().join("new-tree/inner/file"), "prepared").unwrap();
    set.expect(b"kept/by/all", Seen::look(&bench.root, b"kept/by/all")?)?;
    set.write(b"graft.yaml", b"deps: {kb: v2}\n", None)?;
    set.write(b"graft.lock", b"locked\n", Some(0o644))?;
    set.remove_tree(b"old")?;
    set.place(b"old", b"new-tree")?;
    set.set_mode(b"tool", 0o755)?;
    set.link(b"link-me", b"graft.yaml")?;
    set.remove_file(b"dir-me")?;
    set.make_directory(b"dir-me", 0o750)?;
    set.write(b"dir-me/inside", b"new", Some(0o600))?;
    set.write(b"far/below/new", b"new", Some(0o644))?;
    set.remove_file(b"gone")?;
    set.hold(b".git/index.lock")?;
    fs::write(set.scratch().join("new-index"), "index 2").unwrap();
    set.replace(b".git/index", b"new-index")?;
    set.write(b".git/modules/kb/HEAD", b"2222\n", None)?;
    set.commit(serde_json::json!({"why": "test"}))
}

/// Without times: those of new entries are of no interest here.
fn picture(bench: &Bench) -> Vec<(String, u32, Vec<u8>)> {
    fn walk(root: &Path, at: &Path, found: &mut Vec<(String, u32, Vec<u8>)>) {
        let mut names: Vec<_> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names {
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let meta = fs::symlink_metadata(&path).unwrap();
            if name == ".backstay" {
                continue;
            }
            let content = if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if meta.is_file() {
                fs::read(&path).unwrap()
            } else {
                Vec::new()
            };
            found.push((name, meta.mode(), content));
            if meta.is_dir() {
                walk(root, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&bench.root, &bench.root, &mut found);
    found
}

#[test]
fn every_kind_of_change_happens() {
    let bench = Bench::new();
    before(&bench);
    let applied = change(&bench, Steps::unlimited()).unwrap();
    assert!(applied.not_applied.is_empty(), "{applied:?}");
    assert_eq!(fs::read(bench.path("graft.yaml")).unwrap(), b"deps: {kb: v2}\n");
    assert_eq!(fs::read(bench.path("old/inner/file")).unwrap(), b"prepared");
    assert!(!bench.path("old/a").exists() && !bench.path("gone").exists());
    assert_eq!(fs::metadata(bench.path("tool")).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(fs::read_link(bench.path("link-me")).unwrap(), Path::new("graft.yaml"));
    assert_eq!(fs::metadata(bench.path("dir-me")).unwrap().mode() & 0o7777, 0o750);
    assert_eq!(fs::metadata(bench.path("dir-me/inside")).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::read(bench.path("far/below/new")).unwrap(), b"new");
    assert_eq!(fs::read(bench.path(".git/index")).unwrap(), b"index 2");
    assert_eq!(fs::metadata(bench.path(".git/index")).unwrap().mode() & 0o7777, 0o640);
    assert!(!bench.path(".git/index.lock").exists());
    assert!(fs::read_dir(bench.path(".backstay/stage")).unwrap().next().is_none());
    let recovered = bench.recover();
    assert_eq!(recovered.len(), 1);
    assert_eq!((recovered[0].kind.as_str(), &recovered[0].detail["why"]), ("test", &"test".into()));
    acknowledge(&bench.root, &recovered[0].operation).unwrap();
    assert!(bench.recover().is_empty());
}

#[test]
fn old_or_new_after_a_stop_at_any_step() {
    let done = Bench::new();
    before(&done);
    let old = picture(&done);
    change(&done, Steps::unlimited()).unwrap();
    let new = picture(&done);
    let (mut back, mut forward) = (0, 0);
    for step in 0.. {
        let bench = Bench::new();
        before(&bench);
        match change(&bench, Steps::stop_at(step)) {
            Ok(_) => break,
            Err(WorkspaceError::Fault { .. }) => {}
            Err(error) => panic!("step {step}: {error}"),
        }
        // A crash while recovering, too.
        drop(backstay_source_workspace::recover(&bench.root, &bench.lock(), &Steps::stop_at(step % 4)));
        let recovered = bench.recover();
        match recovered.first().map(|recovered| recovered.outcome) {
            Some(Outcome::RolledForward) => {
                forward += 1;
                assert_eq!(picture(&bench), new, "forward from step {step}");
            }
            Some(Outcome::RolledBack) | None => {
                back += 1;
                assert_eq!(picture(&bench), old, "back from step {step}");
            }
        }
        assert!(!bench.path(".git/index.lock").exists(), "step {step}");
        assert!(fs::read_dir(bench.path(".backstay/stage")).map_or(true, |mut left| left.next().is_none()));
        assert!(step < 200);
    }
    assert!(back > 3 && forward > 10, "{back} back, {forward} forward");
}

#[test]
fn a_path_that_someone_edits_is_a_conflict_and_nothing_happens() {
    type Edit = (&'static str, fn(&Bench));
    let edits: [Edit; 5] = [
        ("graft.yaml", |bench| bench.write("graft.yaml", "mine")),
        ("gone", |bench| fs::remove_file(bench.path("gone")).unwrap()),
        ("new", |bench| bench.write("new", "in the way")),
        ("kept/by/all", |bench| bench.write("kept/by/all", "edited")),
        ("tool", |bench| {
            fs::set_permissions(bench.path("tool"), fs::Permissions::from_mode(0o700)).unwrap();
        }),
    ];
    for (path, edit) in edits {
        let bench = Bench::new();
        before(&bench);
        bench.let_times_settle();
        let lock = bench.lock();
        let mut set = begin(&bench, &lock, Steps::unlimited()).unwrap();
        set.expect(b"kept/by/all", Seen::look(&bench.root, b"kept/by/all").unwrap()).unwrap();
        set.write(b"graft.yaml", b"2", None).unwrap();
        set.write(b"new", b"2", None).unwrap();
        set.remove_file(b"gone").unwrap();
        set.set_mode(b"tool", 0o755).unwrap();
        edit(&bench);
        bench.write("elsewhere", "edited meanwhile");
        let present = Picture::of(&bench.root, &[".backstay"]).unwrap();
        let WorkspaceError::Conflict { paths } = error_of(set.commit(serde_json::Value::Null)) else {
            panic!("{path}: no conflict")
        };
        assert_eq!(paths, [path]);
        present.assert_same(&bench.picture(), path);
        drop(lock);
        assert!(bench.recover().is_empty());
        assert!(fs::read_dir(bench.path(".backstay/stage")).unwrap().next().is_none());
    }
}

#[test]
fn the_lock_file_of_another_program_keeps_us_out() {
    let bench = Bench::new();
    before(&bench);
    bench.write(".git/index.lock", "git is at work");
    let old = picture(&bench);
    let refused = error_of(change(&bench, Steps::unlimited()));
    assert!(matches!(refused, WorkspaceError::Taken { .. }), "{refused}");
    assert_eq!(picture(&bench), old);
    assert_eq!(refused.kind(), backstay_model::ErrorKind::Busy);
}

#[test]
fn paths_do_not_lead_out() {
    let bench = Bench::new();
    before(&bench);
    let outside = bench.place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, bench.path("way-out")).unwrap();
    let lock = bench.lock();
    let mut set = begin(&bench, &lock, Steps::unlimited()).unwrap();
    for path in ["../x", "/etc/x", "a/../../x"] {
        assert!(set.write(path.as_bytes(), b"x", None).is_err(), "{path}");
    }
    set.write(b"way-out/x", b"x", None).unwrap();
    assert!(set.commit(serde_json::Value::Null).is_err());
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
}

fn layer_of(set: &ChangeSet, bench: &Bench) -> Vec<LayerEntry> {
    let upper = set.scratch().join("upper");
    let write = |path: &str, content: &str| {
        fs::create_dir_all(upper.join(path).parent().unwrap()).unwrap();
        fs::write(upper.join(path), content).unwrap();
    };
    write("graft.yaml", "changed");
    write("only-opened", "same");
    fs::set_permissions(upper.join("only-opened"), {
        fs::metadata(bench.path("only-opened")).unwrap().permissions()
    })
    .unwrap();
    let time = fs::metadata(bench.path("only-opened")).unwrap().modified().unwrap();
    fs::File::open(upper.join("only-opened")).unwrap().set_modified(time).unwrap();
    write("old", "a file where a directory was");
    write("gone/now/a/directory", "1");
    fs::create_dir(upper.join("kept")).unwrap();
    symlink("graft.yaml", upper.join("link-me")).unwrap();
    let entry = |path: &str, kind| LayerEntry { path: path.into(), kind };
    let directory = LayerKind::Directory { is_opaque: false };
    vec![
        entry("dir-me", LayerKind::Removed),
        entry("gone", directory),
        entry("gone/now", directory),
        entry("gone/now/a", directory),
        entry("gone/now/a/directory", LayerKind::File),
        entry("graft.yaml", LayerKind::File),
        entry("kept", LayerKind::Directory { is_opaque: true }),
        entry("link-me", LayerKind::Symlink),
        entry("never-there", LayerKind::Removed),
        entry("old", LayerKind::File),
        entry("only-opened", LayerKind::File),
    ]
}

#[test]
fn a_layer_is_taken_over_and_what_is_the_same_is_left() {
    let bench = Bench::new();
    before(&bench);
    bench.write("only-opened", "same");
    let inode = fs::metadata(bench.path("only-opened")).unwrap().ino();
    let lock = bench.lock();
    let mut set = begin(&bench, &lock, Steps::unlimited()).unwrap();
    let entries = layer_of(&set, &bench);
    let seen = |path: &[u8]| Seen::look(&bench.root, path).map(Some);
    let layer = Layer { directory: b"upper", entries: &entries, seen: &seen, made_at_ns: 0 };
    assert!(set.take_layer(&layer).unwrap().is_empty());
    let mut changes: Vec<(String, PathChangeKind)> = set
        .changes()
        .iter()
        .map(|change| (String::from_utf8(change.path.clone()).unwrap(), change.kind))
        .collect();
    changes.sort();
    let expected = [
        ("dir-me", Deleted),
        ("gone", Modified),
        ("gone/now", Added),
        ("gone/now/a", Added),
        ("gone/now/a/directory", Added),
        ("graft.yaml", Modified),
        ("kept/by", Deleted),
        ("kept/by/all", Deleted),
        ("link-me", Modified),
        ("old", Modified),
        ("old/a", Deleted),
        ("old/deep", Deleted),
        ("old/deep/b", Deleted),
    ];
    assert_eq!(changes, expected.map(|(path, kind)| (path.to_owned(), kind)));
    set.commit(serde_json::Value::Null).unwrap();
    assert_eq!(fs::read(bench.path("old")).unwrap(), b"a file where a directory was");
    assert_eq!(fs::read(bench.path("gone/now/a/directory")).unwrap(), b"1");
    assert!(bench.path("kept").is_dir() && !bench.path("kept/by").exists());
    assert!(!bench.path("dir-me").exists());
    assert_eq!(fs::metadata(bench.path("only-opened")).unwrap().ino(), inode);
}

#[test]
fn a_layer_conflicts_with_what_was_edited_since() {
    let bench = Bench::new();
    before(&bench);
    bench.write("only-opened", "same");
    let lock = bench.lock();
    let mut set = begin(&bench, &lock, Steps::unlimited()).unwrap();
    let entries = layer_of(&set, &bench);
    let seen: std::collections::HashMap<Vec<u8>, Seen> = ["graft.yaml", "kept/by/all", "kept/by", "old"]
        .iter()
        .map(|path| (path.as_bytes().to_vec(), Seen::look(&bench.root, path.as_bytes()).unwrap()))
        .collect();
    bench.let_times_settle();
    bench.write("graft.yaml", "mine");
    bench.write("old/mine", "new in a directory that goes");
    let look = |path: &[u8]| Ok(Some(seen.get(path).copied().unwrap_or(Seen::NOTHING)));
    let only = |wanted: &[&str]| -> Vec<LayerEntry> {
        entries
            .iter()
            .filter(|entry| wanted.iter().any(|path| path.as_bytes() == entry.path))
            .cloned()
            .collect()
    };
    let some = only(&["graft.yaml", "old", "never-there"]);
    set.take_layer(&Layer { directory: b"upper", entries: &some, seen: &look, made_at_ns: 0 }).unwrap();
    let present = picture(&bench);
    let WorkspaceError::Conflict { paths } = error_of(set.commit(serde_json::Value::Null)) else {
        panic!("no conflict")
    };
    assert!(paths.contains(&"graft.yaml".to_owned()) && paths.contains(&"old/mine".to_owned()), "{paths:?}");
    assert_eq!(picture(&bench), present);
}
