//! Others who work in the same workspace meanwhile.

use std::process::Stdio;

use crate::scene::{Ran, Scene};

/// Tells that it runs and goes on when it is told to.
const WAITS: &str =
    ": > \"$STARTED\"; while [ ! -e \"$GO\" ]; do sleep 0.05; done; echo migrated > data/a; echo 1 > new";

/// Runs an upgrade, and `meanwhile` while its migration runs.
fn upgrade_while(scene: &Scene, meanwhile: impl FnOnce(u32)) -> Ran {
    let child = scene
        .command(&["upgrade", "kb", "--to", "v2", "--json"])
        .env("STARTED", scene.beside("started"))
        .env("GO", scene.beside("go"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Scene::wait_for(&scene.beside("started"));
    meanwhile(child.id());
    std::fs::write(scene.beside("go"), "").unwrap();
    Ran::of(&child.wait_with_output().unwrap())
}

#[test]
fn edits_elsewhere_survive() {
    let scene = Scene::of(WAITS, None);
    let ran = upgrade_while(&scene, |_| {
        scene.write("README", "edited meanwhile\n");
        scene.write("mine", "made meanwhile\n");
    });
    ran.expect(0);
    assert_eq!(scene.read("README"), "edited meanwhile\n");
    assert_eq!(scene.read("mine"), "made meanwhile\n");
    assert_eq!(scene.read("data/a"), "migrated\n");
    scene.assert_at("v2");
}

#[test]
fn an_edit_of_a_path_that_the_migration_changes_is_a_conflict() {
    for (path, content) in
        [("data/a", "mine\n"), ("new", "mine\n"), ("graft.yaml", "# mine\n"), ("graft.lock", "# mine\n")]
    {
        let scene = Scene::of(WAITS, None);
        let pins = scene.pins();
        let ran = upgrade_while(&scene, |_| scene.write(path, content)).expect(1);
        let report = ran.json();
        assert_eq!(report["code"], "conflict", "{path}: {report}");
        assert!(report["error"].as_str().unwrap().contains(path), "{report}");
        assert_eq!(scene.read(path), content);
        assert_eq!((scene.pins().head, scene.pins().gitlink), (pins.head, pins.gitlink));
        if path != "data/a" {
            assert_eq!(scene.read("data/a"), "a\n");
        }
        scene.assert_nothing_left();
    }
}

#[test]
fn a_git_command_meanwhile_is_no_conflict() {
    let scene = Scene::of(WAITS, None);
    let ran = upgrade_while(&scene, |_| {
        scene.write("README", "staged meanwhile\n");
        scene.git(&scene.root(), &["add", "README"]);
        scene.git(&scene.root(), &["status"]);
    });
    ran.expect(0);
    scene.assert_at("v2");
    let staged = scene.git(&scene.root(), &["diff", "--cached", "--name-only"]);
    assert!(staged.contains("README"), "{staged}");
}

#[test]
fn the_second_of_two_upgrades_is_busy_and_names_the_first() {
    let scene = Scene::of(WAITS, None);
    let ran = upgrade_while(&scene, |pid| {
        for arguments in [&["upgrade", "kb", "--to", "v2", "--json"][..], &["save", "--json"]] {
            let refused = scene.run(arguments).expect(4).json();
            assert_eq!(refused["owner"]["pid"], pid, "{refused}");
        }
    });
    ran.expect(0);
    scene.assert_at("v2");
}
