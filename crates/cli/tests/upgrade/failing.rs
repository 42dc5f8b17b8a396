//! Upgrades that fail leave everything as it was.

use std::process::Stdio;

use crate::scene::{Ran, Scene, Version};

const WRECK: &str =
    "echo x > README; rm -r data; echo new > created; chmod 600 tool; rmdir empty; ln -sf nowhere tool2";

#[test]
fn a_failed_check_leaves_the_tree_byte_equal() {
    let scene = Scene::of(WRECK, Some("echo no good >&2; exit 7"));
    let (before, pins) = (scene.picture(), scene.pins());
    let index = std::fs::read(scene.root().join(".git/index")).unwrap();
    let report = scene.upgrade(&["kb", "--to", "v2"], 1);
    before.assert_same(&scene.picture(), "after a failed check");
    assert_eq!(scene.pins(), pins);
    assert_eq!(std::fs::read(scene.root().join(".git/index")).unwrap(), index);
    assert_eq!(report["rollback"]["complete"], true, "{report}");
    assert_eq!(report["steps"][1]["exit_code"], 7);
    assert!(report["error"].as_str().unwrap().contains("no good"), "{report}");
    let snapshot = report["snapshot_id"].as_str().unwrap();
    scene.run(&["show", "--quiet", snapshot]).expect(0);
    scene.assert_at("v1");
    let said = scene.run(&["upgrade", "kb", "--to", "v2"]).expect(1);
    assert!(said.stdout.contains("All changes have been rolled back"), "{}", said.stdout);
    assert!(said.stdout.contains("Lock file remains unchanged"), "{}", said.stdout);
    assert!(said.stderr.contains("no good"), "{}", said.stderr);
    let other = scene.upgrade(&["kb", "--to", "v2", "--skip-verify"], 0);
    assert_eq!(other["success"], true);
    assert_eq!(scene.read("README"), "x\n");
}

#[test]
fn a_failed_migration_stops_before_the_next() {
    let scene = Scene::with(&[
        Version { tag: "v1", migration: None, verify: None },
        Version { tag: "v2", migration: Some("echo 2 > two; exit 3"), verify: None },
        Version { tag: "v3", migration: Some("echo 3 > three"), verify: None },
    ]);
    let before = scene.picture();
    let report = scene.upgrade(&["kb", "--to", "v3"], 1);
    assert_eq!(report["steps"].as_array().unwrap().len(), 1);
    before.assert_same(&scene.picture(), "after a failed migration");
    scene.upgrade(&["kb", "--to", "v3", "--skip-migration"], 0);
    assert!(!scene.root().join("two").exists());
    scene.assert_at("v3");
}

#[test]
fn a_command_over_its_limit_is_ended_and_everything_is_as_it_was() {
    let scene = Scene::of("echo 1 > one", Some("sleep 300"));
    let before = scene.picture();
    let report = scene.upgrade(&["kb", "--to", "v2", "--verify-timeout", "1"], 1);
    assert_eq!(
        (&report["steps"][1]["timed_out"], &report["code"]),
        (&true.into(), &"timed_out".into()),
        "{report}"
    );
    before.assert_same(&scene.picture(), "after a timeout");
}

#[test]
fn an_interrupted_upgrade_is_130_and_everything_is_as_it_was() {
    for signal in ["INT", "TERM", "HUP"] {
        let scene = Scene::of("echo 1 > one; : > \"$STARTED\"; sleep 300", None);
        let (before, started) = (scene.picture(), scene.beside("started"));
        let child = scene
            .command(&["upgrade", "kb", "--to", "v2", "--json"])
            .env("STARTED", &started)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Scene::wait_for(&started);
        let pid = child.id().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        assert!(sent.success());
        let ran = Ran::of(&child.wait_with_output().unwrap()).expect(130);
        assert_eq!(ran.json()["rollback"]["complete"], true, "{signal}: {}", ran.stdout);
        before.assert_same(&scene.picture(), signal);
        scene.assert_at("v1");
    }
}

#[test]
fn git_at_work_keeps_us_out() {
    let scene = Scene::new();
    scene.write(".git/index.lock", "");
    let ran = scene.run(&["upgrade", "kb", "--to", "v4", "--json"]).expect(4);
    assert!(ran.json()["error"].as_str().unwrap().contains("index.lock"), "{}", ran.stdout);
    std::fs::remove_file(scene.root().join(".git/index.lock")).unwrap();
    scene.upgrade(&["kb", "--to", "v4"], 0);
}

#[test]
fn a_snapshot_that_cannot_be_taken_ends_the_upgrade_and_leaves_nothing_to_recover() {
    let scene = Scene::of("echo 1 > one", None);
    scene.run(&["save"]).expect(0);
    // By now the operation has its row.
    let (packs, away) = (scene.root().join(".backstay/repository/packs"), scene.beside("away"));
    std::fs::rename(&packs, &away).unwrap();
    std::fs::write(&packs, "").unwrap();
    scene.write("README", "new, so that there is something to store\n");
    let report = scene.upgrade(&["kb", "--to", "v2"], 1);
    assert_eq!(report["rollback"]["complete"], true, "{report}");
    assert!(!report["operation_id"].is_null(), "{report}");
    scene.assert_at("v1");
    std::fs::remove_file(&packs).unwrap();
    std::fs::rename(&away, &packs).unwrap();
    scene.run(&["recover"]).expect(0);
    let report = scene.upgrade(&["kb", "--to", "v2"], 0);
    assert!(report["recovered"].as_array().is_none_or(Vec::is_empty), "{report}");
    scene.assert_at("v2");
}
