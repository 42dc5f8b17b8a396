//! Every dependency at once, at one commit point.

use crate::scene::{Scene, Version};

fn two(migration_of_the_second: &str) -> Scene {
    let scene = Scene::of("echo kb >> migrated; cat .graft/kc/current.txt > kc-seen", None);
    scene.depend_on(
        "kc",
        &[
            Version { tag: "v1", migration: None, verify: None },
            Version { tag: "v2", migration: Some(migration_of_the_second), verify: Some("test -s migrated") },
        ],
    );
    scene
}

#[test]
fn all_of_them_move_with_one_operation_and_one_undo() {
    let scene = two("echo kc >> migrated");
    let report = scene.upgrade(&["--all"], 0);
    assert_eq!(report["moves"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(scene.read("migrated"), "kb\nkc\n");
    assert_eq!(scene.read("kc-seen"), "v2", "a migration sees every dependency at its target");
    scene.assert_at("v2");
    assert_eq!(scene.read(".graft/kc/current.txt"), "v2");
    let again = scene.upgrade(&["--all"], 0);
    assert_eq!(again["changed"], false, "{again}");
    scene.run(&["undo"]).expect(0);
    scene.assert_at("v1");
    assert_eq!(scene.read(".graft/kc/current.txt"), "v1");
    assert!(!scene.root().join("migrated").exists());
}

#[test]
fn when_one_fails_none_moves() {
    for more in [&["--all"][..], &["--all", "--in-place"]] {
        let scene = two("echo kc >> migrated; exit 5");
        let (before, pins) = (scene.picture(), scene.pins());
        let report = scene.upgrade(more, 1);
        assert_eq!(report["steps"].as_array().unwrap().len(), 2, "{report}");
        before.assert_same(&scene.picture(), "after one of two failed");
        assert_eq!(scene.pins(), pins);
        assert_eq!(scene.read(".graft/kc/current.txt"), "v1");
        scene.assert_at("v1");
    }
}

#[test]
fn a_tag_that_moved_is_followed_and_one_that_is_gone_is_refused() {
    let scene = Scene::of("echo 1 > one", None);
    let source = scene.beside("kb");
    std::fs::write(source.join("later"), "1").unwrap();
    scene.git(&source, &["add", "later"]);
    scene.git(&source, &["commit", "--quiet", "-m", "later"]);
    scene.git(&source, &["tag", "--force", "-a", "-m", "moved", "v2"]);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    scene.assert_at("v2");
    assert_eq!(scene.read(".graft/kb/later"), "1");

    let scene = Scene::of("echo 1 > one", None);
    let before = scene.picture();
    scene.git(&scene.beside("kb"), &["tag", "--delete", "v2"]);
    let refused = scene.run(&["upgrade", "kb", "--to", "v2"]).expect(1);
    assert!(refused.stderr.contains("v2"), "{refused:?}");
    before.assert_same(&scene.picture(), "after a tag that is gone");
    scene.assert_at("v1");
}
