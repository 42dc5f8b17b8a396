//! Save, wreck, restore: identical; and back, and forth.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod fixtures;

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};

use backstay_source_workspace::{CaptureOptions, ExcludeOptions, RestoreOptions, Selection, Steps};
use backstay_testkit::tree::{self, TreeOptions};
use fixtures::Bench;
use rustix::fs::XattrFlags;

/// The tree of the first acceptance scenario.
fn build(bench: &Bench) {
    bench.write("secret", "hush");
    fs::set_permissions(bench.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(bench.path("empty")).unwrap();
    symlink("nowhere/at/all", bench.path("dangling")).unwrap();
    bench.write("linked/a", "one file, two names");
    fs::hard_link(bench.path("linked/a"), bench.path("linked/b")).unwrap();
    let sparse = File::create(bench.path("sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    sparse.write_all_at(b"an island", 600 << 20).unwrap();
    bench.write("noted", "with an attribute");
    rustix::fs::setxattr(bench.path("noted"), "user.note", b"\0\xffvalue", XattrFlags::empty()).unwrap();
}

fn wreck(bench: &Bench) {
    fs::remove_file(bench.path("secret")).unwrap();
    fs::create_dir(bench.path("secret")).unwrap();
    bench.write("secret/inside", "in the way");
    fs::remove_dir(bench.path("empty")).unwrap();
    bench.write("empty", "a file now");
    fs::remove_file(bench.path("dangling")).unwrap();
    symlink("/etc/passwd", bench.path("dangling")).unwrap();
    fs::remove_file(bench.path("linked/b")).unwrap();
    fs::copy(bench.path("linked/a"), bench.path("linked/b")).unwrap();
    File::options()
        .write(true)
        .open(bench.path("sparse"))
        .unwrap()
        .write_all_at(b"flotsam", 5 << 20)
        .unwrap();
    rustix::fs::removexattr(bench.path("noted"), "user.note").unwrap();
    bench.write("new/deep/file", "was not there");
}

#[test]
fn a_wrecked_workspace_comes_back_and_undo_is_redo() {
    let bench = Bench::new();
    build(&bench);
    let before = bench.picture();
    let saved = bench.save();
    let counts = saved.receipt.manifest.counts;
    assert_eq!((counts.files, counts.symlinks, counts.hard_links), (5, 1, 1));
    assert_eq!(counts.directories, 3, "the root, `empty` and `linked`");
    assert!(saved.receipt.manifest.stored_bytes < 1 << 20, "holes are not stored");

    wreck(&bench);
    let wrecked = bench.picture();
    assert!(!before.differences(&wrecked).is_empty());
    let safety = bench.save();
    bench.restore(&saved.receipt.manifest);
    before.assert_same(&bench.picture(), "after the restore");
    assert!(fs::metadata(bench.path("sparse")).unwrap().blocks() * 512 < 10 << 20, "holes stay holes");
    let a = fs::metadata(bench.path("linked/a")).unwrap();
    assert_eq!(a.ino(), fs::metadata(bench.path("linked/b")).unwrap().ino());

    bench.restore(&safety.receipt.manifest);
    wrecked.assert_same(&bench.picture(), "after the undo");
    bench.restore(&saved.receipt.manifest);
    before.assert_same(&bench.picture(), "after the redo");
    let again = bench.restore(&saved.receipt.manifest);
    assert_eq!(
        (again.created, again.replaced, again.deleted, again.metadata),
        (0, 0, 0, 0),
        "nothing is left to do"
    );
}

#[test]
fn a_snapshot_is_restored_into_an_empty_directory() {
    let bench = Bench::new();
    build(&bench);
    fs::set_permissions(&bench.root, fs::Permissions::from_mode(0o750)).unwrap();
    let before = bench.picture();
    let saved = bench.save();
    let target = bench.place.path().join("elsewhere");
    let report = bench.restore_to(&target, &saved.receipt.manifest).unwrap();
    before.assert_same(&fixtures::picture(&target), "elsewhere");
    assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o750);
    assert!(report.not_restored.is_empty(), "{:?}", report.not_restored);
    assert!(!target.join(".backstay").exists(), "nothing of Backstay's own is left");
    let refused = fixtures::error_of(bench.restore_to(&target, &saved.receipt.manifest));
    assert!(refused.to_string().contains("is not empty"), "{refused}");
}

#[test]
fn random_trees_go_back_and_forth() {
    for seed in 0..5 {
        let bench = Bench::new();
        let options = TreeOptions { largest_bytes: 3 << 20, fifo: seed % 2 == 0, ..TreeOptions::default() };
        tree::generate(&bench.root, seed, &options).unwrap();
        let mut states = Vec::new();
        let mut rng = backstay_testkit::Killer::new(seed);
        for _ in 0..3 {
            states.push((bench.picture(), bench.save().receipt.manifest));
            tree::change(&bench.root, rng.rng(), 25).unwrap();
        }
        for at in [2, 0, 1] {
            let (picture, manifest) = &states[at];
            bench.restore(manifest);
            picture.assert_same(&bench.picture(), &format!("seed {seed}, state {at}"));
        }
        let target = bench.place.path().join("to");
        bench.restore_to(&target, &states[1].1).unwrap();
        states[1].0.assert_same(&fixtures::picture(&target), &format!("seed {seed}, to"));
    }
}

#[test]
fn one_path_and_a_pattern_come_back_alone() {
    let bench = Bench::new();
    for path in ["a/x.rs", "a/y.txt", "b/deep/z.rs", "c"] {
        bench.write(path, path);
    }
    let saved = bench.save();
    for path in ["a/x.rs", "a/y.txt", "b/deep/z.rs", "c"] {
        bench.write(path, "changed");
    }
    bench.write("b/new", "new");
    let only = |selection: Selection| {
        let options = RestoreOptions { selection, ..RestoreOptions::default() };
        bench.restore_with(&saved.receipt.manifest, &options, Steps::unlimited()).unwrap();
    };
    let read = |path: &str| fs::read_to_string(bench.path(path)).unwrap();
    only(Selection::of_paths(&["a/y.txt"]).unwrap());
    assert_eq!((read("a/y.txt").as_str(), read("a/x.rs").as_str()), ("a/y.txt", "changed"));
    only(Selection::of_patterns(&["**/*.rs"]).unwrap());
    assert_eq!((read("b/deep/z.rs").as_str(), read("c").as_str()), ("b/deep/z.rs", "changed"));
    assert!(bench.path("b/new").exists());
    only(Selection::of_paths(&["b"]).unwrap());
    assert!(!bench.path("b/new").exists(), "below a named directory, what is new goes");
    fs::remove_dir_all(bench.path("b")).unwrap();
    only(Selection::of_paths(&["b/deep/z.rs"]).unwrap());
    assert_eq!(read("b/deep/z.rs"), "b/deep/z.rs");
    assert_eq!(read("c"), "changed");
}

#[test]
fn keep_new_deletes_nothing() {
    let bench = Bench::new();
    bench.write("kept", "old");
    let saved = bench.save();
    bench.write("kept", "newer");
    bench.write("dir/new", "new");
    let options = RestoreOptions { keep_new: true, ..RestoreOptions::default() };
    bench.restore_with(&saved.receipt.manifest, &options, Steps::unlimited()).unwrap();
    assert_eq!(fs::read_to_string(bench.path("kept")).unwrap(), "old");
    assert!(bench.path("dir/new").exists());
}

#[test]
fn what_is_excluded_is_neither_captured_nor_touched() {
    let bench = Bench::new();
    bench.write("src/main.rs", "fn main() {}");
    bench.write("target/debug/big", "machine code");
    bench.write("src/notes.tmp", "scribble");
    bench.write(".git/HEAD", "ref: main");
    bench.write(".backstayignore", "*.tmp\n");
    let excludes = ExcludeOptions { patterns: vec!["target/".to_owned()], ..ExcludeOptions::default() };
    let saved = bench.save_with(&CaptureOptions { excludes, ..CaptureOptions::default() }).unwrap();
    assert_eq!(saved.captured.counts.files, 2);
    fs::remove_file(bench.path("src/main.rs")).unwrap();
    fs::remove_file(bench.path(".backstayignore")).unwrap();
    bench.write("target/debug/big", "newer machine code");
    bench.write("later/x.tmp", "excluded by the rules of then");
    bench.write("later/y", "not excluded");
    let report = bench.restore(&saved.receipt.manifest);
    let read = |path: &str| fs::read_to_string(bench.path(path)).unwrap();
    assert_eq!(read("src/main.rs"), "fn main() {}");
    assert_eq!(read("target/debug/big"), "newer machine code");
    assert_eq!(read("src/notes.tmp"), "scribble");
    assert_eq!(read(".git/HEAD"), "ref: main");
    assert_eq!(read("later/x.tmp"), "excluded by the rules of then");
    assert!(!bench.path("later/y").exists());
    let left: Vec<_> = report.not_restored.iter().map(|left| left.path.as_slice()).collect();
    assert_eq!(left, [b"later"], "{:?}", report.not_restored);
}

#[test]
fn a_scoped_snapshot_touches_nothing_else() {
    let bench = Bench::new();
    bench.write("in/file", "1");
    bench.write("in2/deep/file", "1");
    bench.write("out/file", "1");
    let selection = Selection::of_paths(&["in", "in2/deep"]).unwrap();
    let saved = bench.save_with(&CaptureOptions { selection, ..CaptureOptions::default() }).unwrap();
    assert_eq!(saved.captured.counts.files, 2);
    assert_eq!(saved.captured.attributes["scope"], serde_json::json!(["in", "in2/deep"]));
    for path in ["in/file", "in2/deep/file", "out/file", "in2/other"] {
        bench.write(path, "2");
    }
    bench.restore(&saved.receipt.manifest);
    let read = |path: &str| fs::read_to_string(bench.path(path)).unwrap();
    assert_eq!(
        [read("in/file"), read("in2/deep/file"), read("out/file"), read("in2/other")],
        ["1", "1", "2", "2"]
    );
    let selection = Selection::of_paths(&["in/missing"]).unwrap();
    let refused =
        fixtures::error_of(bench.save_with(&CaptureOptions { selection, ..CaptureOptions::default() }));
    assert_eq!(refused.to_string(), "`in/missing` does not exist in the workspace");
}

#[test]
fn names_are_bytes() {
    let bench = Bench::new();
    let long = vec![b'n'; 255];
    let names: [&[u8]; 6] = [b"\xff\xfe", b"new\nline", b" ", b"-rf", &long, b"a\\b\"c'"];
    for name in names {
        let name = std::ffi::OsStr::from_bytes(name);
        fs::write(bench.root.join(name), name.as_bytes()).unwrap();
        fs::create_dir(bench.root.join("d")).ok();
        fs::create_dir(bench.root.join("d").join(name)).unwrap();
        symlink(name, bench.root.join("d").join(name).join("link")).unwrap();
    }
    let before = bench.picture();
    let saved = bench.save();
    fs::remove_dir_all(bench.path("d")).unwrap();
    for name in names {
        fs::remove_file(bench.root.join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    bench.restore(&saved.receipt.manifest);
    before.assert_same(&bench.picture(), "names");
}

#[test]
fn a_directory_without_rights_is_restored_with_its_content() {
    let bench = Bench::new();
    bench.write("closed/file", "1");
    bench.write("closed/gone", "1");
    let close = || fs::set_permissions(bench.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    close();
    let before = bench.picture();
    let saved = bench.save();
    fs::set_permissions(bench.path("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    bench.write("closed/file", "2");
    fs::remove_file(bench.path("closed/gone")).unwrap();
    bench.write("closed/new", "2");
    close();
    bench.restore(&saved.receipt.manifest);
    before.assert_same(&bench.picture(), "in place");
    let target = bench.place.path().join("to");
    bench.restore_to(&target, &saved.receipt.manifest).unwrap();
    before.assert_same(&fixtures::picture(&target), "elsewhere");
    for root in [&bench.root, &target] {
        fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    }
}
