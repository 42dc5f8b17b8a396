//! Upgrades whose commands run in the workspace itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::nasty::running;
use crate::scene::{Ran, Scene, Version, wait_until};

/// Creates, deletes, changes, retypes, and touches git and the two files.
const WRECK: &str = "echo x > README; rm -r data; echo new > created; chmod 600 tool; rmdir empty; ln -s nowhere tool2; \
                     mkdir deep && echo 1 > deep/er; rm graft.lock; echo '# wrecked' >> graft.yaml; git add -A created; \
                     echo edited >> .graft/kb/current.txt";

fn index(scene: &Scene) -> Vec<u8> {
    fs::read(scene.root().join(".git/index")).unwrap()
}

fn assert_no_copies(scene: &Scene) {
    let left = fs::read_dir(scene.root().join(".backstay/in-place")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "copies are left");
}

#[test]
fn a_success_moves_everything_and_can_be_undone() {
    let scene = Scene::of("echo new > created; rm data/a; chmod 600 tool; rm graft.lock", None);
    let before = scene.picture();
    let report = scene.upgrade(&["kb", "--to", "v2", "--in-place"], 0);
    scene.assert_at("v2");
    assert_eq!(scene.read("created"), "new\n");
    assert!(!scene.root().join("data/a").exists());
    let counts = &report["changed_paths"];
    assert!(counts["added"].as_u64() >= Some(2) && counts["deleted"].as_u64() >= Some(1), "{report}");
    assert_no_copies(&scene);
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v1");
    let differ = before.differences(&scene.picture());
    assert!(differ.is_empty(), "{differ:?}");
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v2");
    assert_eq!(scene.read("created"), "new\n");
}

#[test]
fn an_edit_of_the_declarations_is_kept_with_the_new_ref() {
    let scene = Scene::of("echo '# mine' >> graft.yaml", None);
    scene.upgrade(&["kb", "--to", "v2", "--in-place"], 0);
    scene.assert_at("v2");
    assert!(scene.read("graft.yaml").contains("# mine"));
    assert_eq!(scene.git(&scene.root(), &["diff", "--name-only"]), "");
}

#[test]
fn commands_see_the_workspace_and_the_dependency_at_its_target() {
    let scene = Scene::of(
        "test \"$PWD\" = \"$CONSUMER_ROOT\" && pwd > at && cat \"$DEP_ROOT/current.txt\" > seen && test -d .backstay",
        None,
    );
    scene.upgrade(&["kb", "--to", "v2", "--in-place"], 0);
    assert_eq!(scene.read("at").trim(), scene.root().to_str().unwrap());
    assert_eq!(scene.read("seen"), "v2");
}

#[test]
fn a_failed_check_puts_everything_back() {
    let scene = Scene::of(WRECK, Some("exit 7"));
    let (before, pins, index_before) = (scene.picture(), scene.pins(), index(&scene));
    let report = scene.upgrade(&["kb", "--to", "v2", "--in-place"], 1);
    before.assert_same(&scene.picture(), "after a failed check in place");
    assert_eq!((scene.pins(), index(&scene)), (pins, index_before));
    assert_eq!(report["rollback"]["complete"], true, "{report}");
    assert!(report["rollback"]["restored"].as_u64().unwrap() >= 8, "{report}");
    assert!(report["not_restored"].to_string().contains("excluded"), "{report}");
    scene.assert_at("v1");
    assert_no_copies(&scene);
    let said = scene.run(&["upgrade", "kb", "--to", "v2", "--in-place"]).expect(1).stdout;
    assert!(
        said.contains("All changes have been rolled back") && said.contains("Lock file remains unchanged"),
        "{said}"
    );
}

#[test]
fn git_commits_of_a_command_stay_and_are_told() {
    let commit =
        "git -c user.name=m -c user.email=m@example.org commit --quiet --allow-empty -m sneaky; exit 1";
    let scene = Scene::of(commit, None);
    let before = scene.git(&scene.root(), &["rev-parse", "HEAD"]);
    let report = scene.upgrade(&["kb", "--to", "v2", "--in-place"], 1);
    assert!(report["not_restored"].to_string().contains(".git/HEAD"), "{report}");
    assert_ne!(scene.git(&scene.root(), &["rev-parse", "HEAD"]), before);
}

#[test]
fn what_cannot_be_put_back_is_named_and_the_next_recovery_tries_again() {
    // A lock of git's index that a command left: nobody may touch the index.
    let scene = Scene::of("echo x > README; git add README; : > .git/index.lock; exit 1", None);
    let (before, index_before) = (scene.picture(), index(&scene));
    let report = scene.upgrade(&["kb", "--to", "v2", "--in-place"], 1);
    assert_eq!(report["rollback"]["complete"], false, "{report}");
    assert!(report["rollback"]["failed"].to_string().contains("index.lock"), "{report}");
    let refused = scene.run(&["save"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    fs::remove_file(scene.root().join(".git/index.lock")).unwrap();
    scene.run(&["recover"]).expect(0);
    before.assert_same(&scene.picture(), "after the recovery");
    assert_eq!(index(&scene), index_before);
    scene.assert_at("v1");
}

#[test]
fn an_interruption_and_a_limit_put_everything_back() {
    let scene = Scene::of("echo x > README; : > \"${STARTED:-/dev/null}\"; sleep 300", None);
    let before = scene.picture();
    let child = scene
        .command(&["upgrade", "kb", "--to", "v2", "--in-place", "--json"])
        .env("STARTED", scene.beside("started"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Scene::wait_for(&scene.beside("started"));
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let report = Ran::of(&child.wait_with_output().unwrap()).expect(130).json();
    assert_eq!(report["rollback"]["complete"], true, "{report}");
    before.assert_same(&scene.picture(), "after an interruption");
    let report = scene.upgrade(&["kb", "--to", "v2", "--in-place", "--migration-timeout", "1"], 1);
    assert_eq!(report["code"], "timed_out");
    before.assert_same(&scene.picture(), "after a limit");
    scene.assert_at("v1");
}

#[test]
fn after_a_kill_the_next_command_goes_back_and_keeps_what_it_found() {
    for command in ["recover", "save"] {
        let scene = Scene::of("echo x > README; rm -r data; : > \"$STARTED\"; sleep 5252", None);
        fs::set_permissions(scene.root().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        let (before, index_before) = (scene.picture(), index(&scene));
        let mut child = scene
            .command(&["upgrade", "kb", "--to", "v2", "--in-place"])
            .env("STARTED", scene.beside("started"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Scene::wait_for(&scene.beside("started"));
        child.kill().unwrap();
        child.wait().unwrap();
        wait_until("the migration has ended", || running("sleep 5252").is_empty());
        assert_eq!(scene.read("README"), "x\n");
        scene.run(&[command]).expect(0);
        before.assert_same(&scene.picture(), command);
        assert_eq!(index(&scene), index_before);
        scene.assert_at("v1");
        assert_no_copies(&scene);
        let all = scene.run(&["list", "--all", "--json"]).expect(0).json();
        let snapshots = all["snapshots"].as_array().unwrap();
        let found =
            snapshots.iter().find(|one| one["label"].to_string().contains("as it was found")).unwrap();
        let kept = scene.run(&["show", found["id"].as_str().unwrap(), "README"]).expect(0);
        assert!(kept.stdout.contains('x'), "{kept:?}");
    }
}

#[test]
fn a_failing_migration_in_the_middle_leaves_the_version_before() {
    let scene = Scene::with(&[
        Version { tag: "v1", migration: None, verify: None },
        Version { tag: "v2", migration: Some("echo 2 > two"), verify: None },
        Version { tag: "v3", migration: Some("cat .graft/kb/v3.txt > three; exit 3"), verify: None },
    ]);
    let before = scene.picture();
    scene.upgrade(&["kb", "--to", "v3", "--in-place"], 1);
    before.assert_same(&scene.picture(), "after the second migration failed");
    scene.assert_at("v1");
}

#[test]
fn an_index_that_a_command_wrote_over_is_named_and_no_claim_is_made() {
    let scene = Scene::of("echo x > README; printf garbage > .git/index", Some("exit 7"));
    let before = scene.picture();
    let report = scene.upgrade(&["kb", "--to", "v2", "--in-place"], 1);
    assert_eq!(report["rollback"]["complete"], false, "{report}");
    let failed = report["rollback"]["failed"].as_array().unwrap();
    assert!(failed.iter().any(|one| one["path"] == ".git/index"), "{report}");
    before.assert_same(&scene.picture(), "but for the index everything is back");
    assert_no_copies(&scene);
    // What is left to do is git's, and nothing waits for a recovery that cannot come.
    fs::remove_file(scene.root().join(".git/index")).unwrap();
    scene.git(&scene.root(), &["reset", "--quiet"]);
    scene.assert_at("v1");
    scene.upgrade(&["kb", "--to", "v2", "--in-place", "--skip-migration", "--skip-verify"], 0);
}
