//! The same verbs through a server, on either database.

use std::process::Stdio;

use backstay_testkit::PostgresSchema;
use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};
use crate::served::Served;

/// The names of all fields, deep.
fn fields(value: &Value, prefix: &str, into: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                into.insert(format!("{prefix}.{name}"));
                fields(value, &format!("{prefix}.{name}"), into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, prefix, into)),
        _ => {}
    }
}

#[test]
fn the_verbs_work_through_a_server() {
    the_verbs_work(&Served::start());
}

#[test]
fn the_verbs_work_through_a_server_on_postgres() {
    let Some(schema) = PostgresSchema::create() else { return };
    let served = Served::start_on(Some(schema));
    the_verbs_work(&served);
    assert!(!served.sandbox.beside("data").join("catalog.db").exists(), "the catalog is in PostgreSQL");
    let schema = served.schema.as_ref().unwrap();
    assert!(schema.dump().contains("through the server"), "the catalog is in this schema");
}

fn the_verbs_work(served: &Served) {
    served.sandbox.write("a.txt", "one\n");
    served.sandbox.write("d/b.txt", "two\n");
    let id = served.ok(&["save", "--label", "through the server"]);
    assert!(id.starts_with("snapshot-"), "{id}");
    assert_eq!(served.json(&["list"])["snapshots"][0]["label"], "through the server");
    assert_eq!(served.ok(&["show", "latest", "d/b.txt"]), "two");
    assert!(served.ok(&["show", "latest", "--files"]).contains("d/b.txt"));

    served.sandbox.write("a.txt", "changed\n");
    served.sandbox.write("new.txt", "x");
    assert_eq!(served.ok(&["diff", "latest"]), "M  a.txt\nA  new.txt");
    served.ok(&["restore", "latest"]);
    assert_eq!(served.sandbox.read("a.txt"), "one\n");
    assert!(!served.sandbox.root().join("new.txt").exists());
    served.ok(&["undo"]);
    assert_eq!(served.sandbox.read("a.txt"), "changed\n");

    served.ok(&["verify", "latest", "--data", "full"]);
    served.ok(&["pin", &id]);
    served.run(&["delete", &id]).expect(1);
    served.ok(&["unpin", &id]);
    assert_eq!(served.json(&["prune", "--keep", "1", "--dry-run"])["removed"], 0);
    assert!(served.json(&["stats"])["snapshots"].as_u64().unwrap() >= 1);
    assert!(!served.json(&["tasks", "list"])["tasks"].as_array().unwrap().is_empty());
    assert_eq!(served.json(&["audit", "verify"])["valid"], true);
    let events = served.json(&["events", "follow", "--after", "0", "--count", "3"]);
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
    served.ok(&["delete", &id]);
    served.run(&["show", &id, "--quiet"]).expect(1);
}

#[test]
fn the_json_has_the_same_fields_with_a_server_and_without() {
    let served = Served::start();
    let local = Sandbox::new();
    for sandbox in [&served.sandbox, &local] {
        sandbox.write("a.txt", "one\n");
    }
    let both = |arguments: &[&str]| {
        let shapes = [served.json(arguments), local.json(arguments)].map(|value| {
            let mut names = std::collections::BTreeSet::new();
            fields(&value, "", &mut names);
            names
        });
        assert_eq!(shapes[0], shapes[1], "{arguments:?}");
    };
    both(&["save", "--label", "x"]);
    both(&["list"]);
    both(&["show", "latest"]);
    both(&["show", "latest", "--files"]);
    for sandbox in [&served.sandbox, &local] {
        sandbox.write("a.txt", "two\n");
    }
    both(&["diff", "latest"]);
    both(&["restore", "latest", "--dry-run"]);
    both(&["prune", "--dry-run"]);
    both(&["stats"]);
}

#[test]
fn a_server_that_stops_leaves_its_catalog_in_one_file() {
    let mut served = Served::start();
    served.ok(&["save", "--label", "one"]);
    let data = served.sandbox.beside("data");
    let log = || std::fs::metadata(data.join("catalog.db-wal")).map_or(0, |file| file.len());
    assert!(log() > 0, "while it runs, SQLite keeps a log");
    assert!(served.stop().success());
    assert_eq!(log(), 0);
    assert!(!data.join("catalog.db-shm").exists());
}

#[test]
fn without_a_token_the_answer_says_how_to_get_one() {
    let served = Served::start();
    let ran = Ran::of(served.sandbox.command(&["list"]).env("BACKSTAY_SERVER", &served.url)).expect(1);
    assert!(ran.stderr.contains("BACKSTAY_TOKEN"), "{}", ran.stderr);
    let gone = served.sandbox.run(&["list", "--server", "http://127.0.0.1:1"]).expect(1);
    assert!(gone.stderr.contains("hint:"), "{}", gone.stderr);
    assert!(served.login_link.starts_with(&served.url), "{}", served.login_link);
}

#[test]
fn a_restore_into_a_directory_downloads_everything() {
    let served = Served::start();
    let sandbox = &served.sandbox;
    sandbox.write("a.txt", "one\n");
    sandbox.write("d/b.txt", "two\n");
    std::fs::create_dir(sandbox.root().join("empty")).unwrap();
    std::os::unix::fs::symlink("../nowhere", sandbox.root().join("d/link")).unwrap();
    std::fs::hard_link(sandbox.root().join("a.txt"), sandbox.root().join("d/same.txt")).unwrap();
    let sparse = std::fs::File::create(sandbox.root().join("sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", (64 << 20) - 3).unwrap();
    drop(sparse);
    let with_attribute = rustix::fs::setxattr(
        sandbox.root().join("a.txt"),
        "user.note",
        b"line\nline",
        rustix::fs::XattrFlags::empty(),
    )
    .is_ok();
    let id = served.ok(&["save"]);
    let target = sandbox.beside("there");
    let report = served.json(&["restore", &id, "--to", target.to_str().unwrap()]);
    assert_eq!(
        (&report["snapshot_id"], &report["not_restored"]),
        (&id.clone().into(), &Value::Array(vec![])),
        "{report}"
    );
    let before = backstay_testkit::Picture::of(&sandbox.root(), &[".backstay"]).unwrap();
    let after = backstay_testkit::Picture::of(&target, &[]).unwrap();
    before.assert_same(&after, "restored over a server");
    let blocks = std::os::unix::fs::MetadataExt::blocks(&std::fs::metadata(target.join("sparse")).unwrap());
    assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
    if with_attribute {
        let mut value = [0; 32];
        let length = rustix::fs::getxattr(target.join("a.txt"), "user.note", &mut value).unwrap();
        assert_eq!(&value[..length], b"line\nline");
    }
    // Again is refused, and a part is only that part.
    let again = served.run(&["restore", &id, "--to", target.to_str().unwrap()]).expect(1);
    assert!(again.stderr.contains("not empty"), "{}", again.stderr);
    let part = sandbox.beside("part");
    served.ok(&["restore", &id, "d/*.txt", "--to", part.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(part.join("d/same.txt")).unwrap(), "one\n");
    assert!(!part.join("a.txt").exists() && !part.join("d/link").exists());
}

#[test]
fn every_other_verb_works_through_a_server_too() {
    let served = Served::start();
    served.sandbox.write("a.txt", "one\n");
    let id = served.ok(&["save"]);
    let tested = served.json(&["verify", "latest", "--restore-test"]);
    assert_eq!(tested["restore_tests"][0]["snapshot_id"], id.as_str(), "{tested}");
    assert_eq!(tested["restore_tests"][0]["identical"], true);

    let saved = served.json(&["save", "--group", "all", "app"]);
    assert_eq!(saved["snapshots"][0]["group_id"], saved["group_snapshot_id"]);
    served.ok(&["group", "save", "all", served.sandbox.root().to_str().unwrap()]);
    let unknown = served.run(&["save", "--group", "all", "nothing"]).expect(1);
    assert!(unknown.stderr.contains("workspaces list"), "{}", unknown.stderr);

    assert_eq!(served.ok(&["recover"]), "nothing to recover");
    served.ok(&["recover", "--dry-run"]);
    served.ok(&["delete", &id, "--reason", "it holds a password"]);
    let listed = served.json(&["list", "--all"]);
    let deleted = listed["snapshots"].as_array().unwrap().iter().find(|found| found["id"] == id.as_str());
    assert_eq!(deleted.unwrap()["state_reason"], "it holds a password");
}

#[test]
fn a_held_lock_is_4_over_a_server_too_and_waiting_gets_it() {
    let served = Served::start();
    served.sandbox.write("a.txt", "one\n");
    served.ok(&["save"]);
    let clock = backstay_model::FakeClock::new(backstay_model::Timestamp::EPOCH);
    let acquire = || {
        let root = served.sandbox.root();
        let none = std::time::Duration::ZERO;
        backstay_source_workspace::WorkspaceLock::acquire(&root, "a test", &clock, none).unwrap()
    };
    let lock = acquire();
    for arguments in [&["save"][..], &["restore", "latest"], &["recover"]] {
        let ran = served.run(arguments).expect(4);
        assert!(ran.stderr.contains("--wait"), "{}", ran.stderr);
    }
    let error = served.run(&["save", "--json"]).expect(4).json();
    assert_eq!(
        (&error["code"], &error["owner"]["pid"]),
        (&"busy".into(), &std::process::id().into()),
        "{error}"
    );
    let waiting = served
        .sandbox
        .command(&["save", "--wait", "60"])
        .env("BACKSTAY_SERVER", &served.url)
        .env("BACKSTAY_TOKEN_FILE", &served.token)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(lock);
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn dependencies_are_changed_through_a_server() {
    let served = Served::start();
    let root = served.sandbox.root();
    let git = |directory: &std::path::Path, arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
        Ran::of(command.current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null")).expect(0);
    };
    let kb = root.join("vendor/kb");
    std::fs::create_dir_all(&kb).unwrap();
    git(&root, &["init", "--quiet"]);
    git(&kb, &["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(kb.join("graft.yaml"), "apiVersion: graft/v0\nchanges: {v1: , v2: }\n").unwrap();
    for tag in ["v1", "v2"] {
        std::fs::write(kb.join("a.txt"), tag).unwrap();
        git(&kb, &["add", "--all"]);
        git(&kb, &["commit", "--quiet", "--message", tag]);
        git(&kb, &["tag", tag]);
    }
    assert_eq!(served.ok(&["deps", "status"]), "No dependencies found");
    let source = format!("{}#v1", kb.display());
    assert_eq!(served.ok(&["deps", "add", "kb", &source]), "Added kb");
    assert_eq!(served.sandbox.read(".graft/kb/a.txt"), "v1");
    let status = served.json(&["deps", "status", "kb", "--check-updates"]);
    assert_eq!((&status["current_ref"], &status["available"]), (&"v1".into(), &"v2".into()));
    assert_eq!(served.json(&["deps", "changes", "kb", "--since", "v1"])["changes"][0]["ref"], "v2");
    assert!(served.ok(&["deps", "apply", "kb", "--to", "v2"]).starts_with("Applied kb@v2\n"));
    assert_eq!(served.sandbox.read(".graft/kb/a.txt"), "v2");
    assert!(served.ok(&["deps", "sync"]).ends_with("kb v2 up_to_date\nSynced: 1/1 dependencies"));
    assert_eq!(served.ok(&["deps", "fetch"]), "kb: fetched");
    let missing = served.run(&["deps", "apply", "kb", "--to", "v9"]).expect(1);
    assert!(missing.stderr.contains("`v9` not found"), "{}", missing.stderr);
    assert_eq!(served.run(&["deps", "tree"]).expect(0).stdout, "Dependencies:\n  kb (v2)\nTotal: 1\n");
    assert_eq!(served.ok(&["deps", "remove", "kb"]), "Removed kb");
    assert!(!root.join(".graft/kb").exists());
}
