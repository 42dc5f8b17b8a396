//! What is kept of upgrades, and for how long.

use serde_json::Value;

use crate::scene::{Scene, Version};

/// The snapshots of the workspace that are there, newest first.
fn snapshots(scene: &Scene) -> Vec<Value> {
    let all = scene.run(&["list", "--all", "--limit", "1000", "--json"]).expect(0).json();
    let rows = all["snapshots"].as_array().unwrap().iter();
    rows.filter(|row| row["state"] == "ready").cloned().collect()
}

#[test]
fn a_failed_tree_is_kept_when_it_is_asked_for() {
    for more in [None, Some("--in-place")] {
        let scene = Scene::of(
            "echo 1 > made; rm -r data; mkdir data; echo 2 > data/other; rm README",
            Some("exit 1"),
        );
        let before = scene.picture();
        let mut arguments = vec!["kb", "--to", "v2", "--keep-failed"];
        arguments.extend(more);
        let report = scene.upgrade(&arguments, 1);
        before.assert_same(&scene.picture(), "after the failure");
        scene.assert_at("v1");
        let id = report["failed_snapshot_id"].as_str().unwrap_or_else(|| panic!("{report}"));
        let to = scene.beside("failed");
        scene.run(&["restore", id, "--to", to.to_str().unwrap()]).expect(0);
        assert_eq!(std::fs::read(to.join("made")).unwrap(), b"1\n");
        assert_eq!(std::fs::read(to.join("data/other")).unwrap(), b"2\n");
        assert!(!to.join("README").exists() && !to.join("data/a").exists());
        assert_eq!(std::fs::read(to.join(".graft/kb/current.txt")).unwrap(), b"v2");
        assert_eq!(std::fs::read(to.join("tool")).unwrap(), b"#!/bin/sh\n");
        // It is no state to go back to by accident.
        let latest = scene.run(&["list", "--json"]).expect(0).json();
        assert!(latest["snapshots"].as_array().unwrap().iter().all(|row| row["id"] != id), "{latest}");
        let report = scene.upgrade(&["kb", "--to", "v2"], 1);
        assert_eq!(report.get("failed_snapshot_id"), None, "{report}");
    }
}

#[test]
fn of_failed_upgrades_the_newest_are_kept() {
    let scene = Scene::of("echo 1 > one", Some("exit 1"));
    let mut named = Vec::new();
    for _ in 0..4 {
        let mut command = scene.command(&["upgrade", "kb", "--to", "v2", "--json"]);
        let output = command.env("BACKSTAY_UPGRADE_KEEP", "2").output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        named.push(report["snapshot_id"].as_str().unwrap().to_owned());
    }
    let kept: Vec<String> =
        snapshots(&scene).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept, [named[3].clone(), named[2].clone()]);
    scene.run(&["verify", "--all", "--data", "full"]).expect(0);
}

#[test]
fn pinned_snapshots_and_those_that_were_asked_for_stay() {
    let scene = Scene::of("echo 1 > one", Some("exit 1"));
    let saved = scene.run(&["save", "--quiet"]).expect(0).stdout.trim().to_owned();
    let first = scene.upgrade(&["kb", "--to", "v2"], 1)["snapshot_id"].as_str().unwrap().to_owned();
    scene.run(&["pin", &first]).expect(0);
    for _ in 0..2 {
        let mut command = scene.command(&["upgrade", "kb", "--to", "v2"]);
        assert_eq!(command.env("BACKSTAY_UPGRADE_KEEP", "0").status().unwrap().code(), Some(1));
    }
    let kept = snapshots(&scene);
    let has = |id: &str| kept.iter().any(|row| row["id"] == id);
    assert!(has(&saved) && has(&first), "{kept:?}");
}

#[test]
fn undo_points_of_upgrades_go_when_newer_operations_need_none_of_them() {
    let tags: Vec<String> = (1..=5).map(|number| format!("v{number}")).collect();
    let versions: Vec<Version<'_>> =
        tags.iter().map(|tag| Version { tag, migration: Some("date +%N > changed"), verify: None }).collect();
    let scene = Scene::with(&versions);
    let mut operations = Vec::new();
    for tag in &tags[1..] {
        let mut command = scene.command(&["upgrade", "kb", "--to", tag, "--json"]);
        let output = command.env("BACKSTAY_UNDO_KEEP", "2").output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        operations.push(report["operation_id"].as_str().unwrap().to_owned());
    }
    // One for each operation that can be undone: the state before.
    assert_eq!(snapshots(&scene).len(), 2, "{:?}", snapshots(&scene));
    let gone = scene.run(&["undo", &operations[0], "--force"]).expect(1);
    assert!(gone.stderr.contains("gone"), "{gone:?}");
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v4");
}

#[test]
fn the_snapshot_stays_where_it_is_not_cleaned_up() {
    let scene = Scene::of("echo 1 > one", None);
    let mut command = scene.command(&["upgrade", "kb", "--to", "v2", "--json"]);
    let output = command.env("BACKSTAY_UPGRADE_AUTO_CLEANUP", "false").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    scene.run(&["show", "--quiet", report["snapshot_id"].as_str().unwrap()]).expect(0);
}
