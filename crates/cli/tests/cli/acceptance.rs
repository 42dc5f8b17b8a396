//! The acceptance scenarios of snapshots: saved, wrecked, restored, undone.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};

use backstay_testkit::Picture;

use crate::sandbox::Sandbox;

const OWN: &[&str] = &[".backstay"];

fn picture(sandbox: &Sandbox) -> Picture {
    Picture::of(&sandbox.root(), OWN).unwrap()
}

/// A private file, an empty directory, a dangling link, hard links, a sparse file, an extended attribute.
fn furnish(sandbox: &Sandbox) {
    let root = sandbox.root();
    sandbox.write("secret", "s3cret");
    fs::set_permissions(root.join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    sandbox.write("deep/er/one", "linked");
    fs::hard_link(root.join("deep/er/one"), root.join("two")).unwrap();
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    sparse.write_all_at(b"middle", 1 << 29).unwrap();
    sandbox.write("attributed", "x");
    // A file system without user attributes makes this part weaker, not wrong.
    let _ = rustix::fs::setxattr(
        root.join("attributed"),
        "user.colour",
        b"green",
        rustix::fs::XattrFlags::empty(),
    );
    sandbox.write(".gitignore", "ignored\n");
    sandbox.write("ignored", "git does not want it, Backstay does");
}

#[test]
fn a_wrecked_workspace_comes_back_and_undo_goes_both_ways() {
    let sandbox = Sandbox::new();
    furnish(&sandbox);
    let before = picture(&sandbox);
    let id = sandbox.save();
    assert!(id.starts_with("snapshot-") && id.len() == "snapshot-1767435330123456-k3v9q2xa".len(), "{id}");

    let root = sandbox.root();
    fs::remove_file(root.join("secret")).unwrap();
    fs::remove_dir(root.join("empty")).unwrap();
    fs::remove_file(root.join("two")).unwrap();
    fs::remove_file(root.join("dangling")).unwrap();
    fs::create_dir(root.join("dangling")).unwrap();
    sandbox.write("dangling/new", "a directory in the place of a link");
    sandbox.write("sparse", "short now");
    sandbox.write("deep/er/one", "edited");
    sandbox.write("added", "new");
    let wrecked = picture(&sandbox);
    assert!(!before.differences(&wrecked).is_empty());

    sandbox.ok(&["restore", &id]);
    before.assert_same(&picture(&sandbox), "after the restore");
    let sparse = root.join("sparse").metadata().unwrap();
    assert!(sparse.blocks() * 512 < 1 << 20, "the hole is a hole again: {} blocks", sparse.blocks());
    assert_eq!(
        root.join("deep/er/one").metadata().unwrap().ino(),
        root.join("two").metadata().unwrap().ino()
    );

    sandbox.ok(&["undo"]);
    wrecked.assert_same(&picture(&sandbox), "after the undo");
    sandbox.ok(&["undo"]);
    before.assert_same(&picture(&sandbox), "after the undo of the undo");
    sandbox.ok(&["verify", "--all", "--data", "full"]);
}

#[test]
fn an_unchanged_workspace_costs_nothing_and_differs_in_nothing() {
    let sandbox = Sandbox::new();
    furnish(&sandbox);
    let first = sandbox.save();
    let second = sandbox.json(&["save", "--label", "again"]);
    assert_eq!(second["label"], "again");
    assert!(second["added_bytes"].as_u64().unwrap() < 64 * 1024, "{second}");
    assert_eq!(sandbox.json(&["diff", &first, "latest"])["total"], 0);
    sandbox.run(&["diff", "latest", "--exit-code"]).expect(0);
}

#[test]
fn each_kind_of_change_has_its_letter() {
    let sandbox = Sandbox::new();
    for name in ["modified", "deleted", "retyped", "chmodded"] {
        sandbox.write(name, name.repeat(100));
    }
    sandbox.write("renamed-from", "a file that moves and keeps all of its content, so that it is recognized");
    let id = sandbox.save();
    let root = sandbox.root();
    sandbox.write("modified", "other");
    fs::remove_file(root.join("deleted")).unwrap();
    fs::remove_file(root.join("retyped")).unwrap();
    symlink("modified", root.join("retyped")).unwrap();
    fs::set_permissions(root.join("chmodded"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(root.join("renamed-from"), root.join("renamed-to")).unwrap();
    sandbox.write("added", "new");
    let text = sandbox.ok(&["diff", &id]);
    let lines: Vec<_> = text.lines().collect();
    for line in [
        "A  added",
        "P  chmodded",
        "D  deleted",
        "M  modified",
        "R  renamed-from -> renamed-to",
        "T  retyped",
    ] {
        assert!(lines.contains(&line), "{line} in\n{text}");
    }
    assert_eq!(lines.len(), 6, "{text}");
    sandbox.run(&["diff", &id, "--exit-code"]).expect(1);
    let content = sandbox.ok(&["diff", &id, "--content", "modified"]);
    assert!(content.contains("+other"), "{content}");
}

#[test]
fn one_path_or_a_glob_comes_back_alone() {
    let sandbox = Sandbox::new();
    for name in ["src/a.txt", "src/b.txt", "src/c.md", "other.txt"] {
        sandbox.write(name, "old");
    }
    sandbox.save();
    for name in ["src/a.txt", "src/b.txt", "src/c.md", "other.txt"] {
        sandbox.write(name, "new");
    }
    sandbox.ok(&["restore", "latest", "src/*.txt"]);
    assert_eq!(
        ["src/a.txt", "src/b.txt", "src/c.md", "other.txt"].map(|name| sandbox.read(name)),
        ["old", "old", "new", "new"]
    );
    sandbox.ok(&["restore", "latest", "src/c.md"]);
    assert_eq!(sandbox.read("src/c.md"), "old");
}

#[test]
fn a_dry_run_changes_nothing_and_keep_new_deletes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "old");
    sandbox.save();
    sandbox.write("a", "new");
    sandbox.write("b", "added");
    let plan = sandbox.json(&["restore", "latest", "--dry-run"]);
    assert_eq!((&plan["summary"]["deleted"], &plan["summary"]["modified"]), (&1.into(), &1.into()), "{plan}");
    assert_eq!(sandbox.read("a"), "new");
    sandbox.ok(&["restore", "latest", "--keep-new"]);
    assert_eq!((sandbox.read("a"), sandbox.read("b")), ("old".to_owned(), "added".to_owned()));
}

#[test]
fn a_restore_elsewhere_leaves_the_workspace_alone() {
    let sandbox = Sandbox::new();
    furnish(&sandbox);
    let before = picture(&sandbox);
    sandbox.save();
    let target = sandbox.beside("target");
    sandbox.ok(&["restore", "latest", "--to", target.to_str().unwrap()]);
    before.assert_same(&Picture::of(&target, OWN).unwrap(), "the copy");
    before.assert_same(&picture(&sandbox), "the workspace");
    let full = sandbox.run(&["restore", "latest", "--to", target.to_str().unwrap(), "--json"]);
    assert_ne!(full.expect(1).json()["error"], "");
}

#[test]
fn an_edit_since_is_a_conflict_for_undo() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "one");
    sandbox.save();
    sandbox.write("a", "two");
    sandbox.ok(&["restore", "latest"]);
    sandbox.write("a", "three");
    let refused = sandbox.run(&["undo", "--json"]).expect(1).json();
    assert!(refused["code"].as_str().unwrap().contains("conflict"), "{refused}");
    assert_eq!(sandbox.read("a"), "three");
    sandbox.ok(&["undo", "--force"]);
    assert_eq!(sandbox.read("a"), "two");
}

#[test]
fn git_never_sees_the_files_of_backstay() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "x");
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(arguments).current_dir(sandbox.root()).env("HOME", sandbox.beside("home"));
        command.output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if git(&["init", "-q"]).is_none() {
        eprintln!("skipped: there is no git");
        return;
    }
    sandbox.save();
    assert_eq!(git(&["status", "--porcelain"]).unwrap(), "?? a\n");
}

#[test]
fn a_restore_test_compares_every_byte() {
    let sandbox = Sandbox::new();
    furnish(&sandbox);
    sandbox.save();
    let report = sandbox.json(&["verify", "latest", "--restore-test", "--data", "0"]);
    assert_eq!(report["restore_tests"][0]["identical"], true, "{report}");
}

#[test]
fn the_head_of_an_older_log_is_still_found() {
    let sandbox = Sandbox::new();
    sandbox.write("a", "1");
    sandbox.save();
    let report = sandbox.json(&["audit", "verify"]);
    let (seq, hash) = (report["last_seq"].as_u64().unwrap(), report["last_hash"].as_str().unwrap());
    let head = format!("{seq}:{hash}");
    sandbox.write("a", "2");
    sandbox.save();
    assert!(sandbox.json(&["audit", "verify"])["last_seq"].as_u64().unwrap() > seq);
    sandbox.ok(&["audit", "verify", "--expect-head", &head]);
    let forged = format!("{seq}:{}", hash.chars().rev().collect::<String>());
    sandbox.run(&["audit", "verify", "--expect-head", &forged]).expect(1);
}

#[test]
fn nested_paths_and_files_that_are_named_missing_return() {
    let sandbox = Sandbox::new();
    let files = ["a.missing", "a", "deep/er/b.missing", "deep/er/b", "deep/.missing", "c.missing.missing"];
    for file in files {
        sandbox.write(file, format!("{file}\n"));
    }
    std::fs::create_dir_all(sandbox.root().join("empty.missing/inside")).unwrap();
    let whole = sandbox.save();
    // One that names a directory and a file in it.
    let nested = sandbox.ok(&["save", "deep", "deep/er/b.missing", "a.missing"]);
    assert_ne!(whole, nested);
    let gone = |names: &[&str]| {
        for name in names {
            let path = sandbox.root().join(name);
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
        }
    };
    gone(&["deep", "a.missing", "a"]);
    sandbox.run(&["restore", &nested]).expect(0);
    for file in ["deep/er/b.missing", "deep/er/b", "deep/.missing", "a.missing"] {
        assert_eq!(sandbox.read(file), format!("{file}\n"));
    }
    assert!(!sandbox.root().join("a").exists());
    gone(&["deep", "a.missing", "c.missing.missing", "empty.missing"]);
    sandbox.write("new.missing", "it goes\n");
    sandbox.run(&["restore", &whole]).expect(0);
    for file in files {
        assert_eq!(sandbox.read(file), format!("{file}\n"));
    }
    assert!(sandbox.root().join("empty.missing/inside").is_dir());
    assert!(!sandbox.root().join("new.missing").exists());
}
