//! Undo of an upgrade, and redo.

use crate::scene::Scene;

#[test]
fn undo_returns_to_the_version_before_and_undo_again_redoes() {
    let scene = Scene::new();
    let before = scene.picture();
    let report = scene.upgrade(&["kb", "--to", "v4", "--keep-snapshot"], 0);
    let kept = report["snapshot_id"].as_str().unwrap();
    scene.run(&["show", "--quiet", kept]).expect(0);
    let after = scene.picture();
    scene.git(&scene.root(), &["commit", "--quiet", "--all", "-m", "upgraded"]);
    let head = scene.git(&scene.root(), &["rev-parse", "HEAD"]);
    scene.write("README", "edited since\n");
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v1");
    assert!(!scene.root().join("migrated").exists());
    assert_eq!(scene.read("README"), "edited since\n");
    assert_eq!(scene.git(&scene.root(), &["rev-parse", "HEAD"]), head);
    scene.write("README", "read me\n");
    let differ = before.differences(&scene.picture());
    assert!(differ.iter().all(|line| line.contains("README")), "{differ:?}");
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v4");
    assert_eq!(scene.read("migrated"), "v2\nv3\nv4\n");
    let differ = after.differences(&scene.picture());
    assert!(differ.iter().all(|line| line.contains("README")), "{differ:?}");
}

#[test]
fn undo_refuses_what_was_edited_since() {
    let scene = Scene::new();
    scene.upgrade(&["kb", "--to", "v4"], 0);
    scene.write("migrated", "edited\n");
    let refused = scene.run(&["undo", "--json"]).expect(1).json();
    assert_eq!(refused["code"], "conflict");
    scene.run(&["undo", "--force"]).expect(0);
    scene.assert_at("v1");
}

#[test]
fn the_snapshot_of_a_successful_upgrade_is_an_undo_point_only() {
    let scene = Scene::new();
    let report = scene.upgrade(&["kb", "--to", "v4"], 0);
    assert_eq!(report["snapshot_id"], serde_json::Value::Null);
    let listed = scene.run(&["list", "--json"]).expect(0).json();
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 0, "{listed}");
    let all = scene.run(&["list", "--all", "--json"]).expect(0).json();
    for snapshot in all["snapshots"].as_array().unwrap() {
        let id = snapshot["id"].as_str().unwrap();
        scene.run(&["show", "--quiet", id]).expect(1);
    }
    assert_eq!(all["snapshots"].as_array().unwrap().len(), 1);
}
