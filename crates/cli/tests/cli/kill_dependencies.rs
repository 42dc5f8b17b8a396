//! `kill -9` at random moments during changes of dependencies: afterwards all of it is old or all of it is new.

use std::path::Path;

use backstay_testkit::{Killer, kill};

use crate::dependencies::Scene;

const ROUNDS: usize = 12;

/// What says at which version the dependency is: the yaml, the lock, the checkout, its commit, the index.
fn versions(scene: &Scene) -> Vec<String> {
    let root = scene.sandbox.root();
    let tag = |commit: &str| {
        let tags = scene.git(&scene.kb(), &["tag", "--points-at", commit]);
        tags.lines().next().unwrap_or("none").to_owned()
    };
    let after = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.contains(key)).unwrap_or_default().to_owned();
        line[line.rfind(['v']).unwrap_or(0)..].trim_end_matches('"').to_owned()
    };
    let gitlink = scene.git(&root, &["ls-files", "--stage", ".graft/kb"]);
    vec![
        after(&scene.sandbox.read("graft.yaml"), "kb:"),
        after(&scene.sandbox.read("graft.lock"), "ref:"),
        format!("v{}", scene.sandbox.read(".graft/kb/a.txt").trim()),
        tag(&scene.git(&root.join(".graft/kb"), &["rev-parse", "HEAD"])),
        tag(gitlink.split(' ').nth(1).unwrap_or_default()),
    ]
}

fn is_clean(directory: &Path, scene: &Scene) -> bool {
    scene.git(directory, &["status", "--porcelain"]).is_empty()
}

#[test]
fn apply_is_old_or_new_after_a_kill() {
    let scene = Scene::new();
    scene.run(&["add", "kb", &scene.source("v1")]).expect(0);
    let command = |to: &str| {
        let mut command = scene.sandbox.command(&["deps", "apply", "kb", "--to", to]);
        scene.isolated(&mut command);
        command
    };
    let usual = kill::time(&mut command("v3")).unwrap();
    let mut killer = Killer::new(7);
    for round in 0..ROUNDS {
        let to = if round % 2 == 0 { "v1" } else { "v3" };
        killer.run(&mut command(to), usual).unwrap();
        // The first command that changes something finds what the killed one left; it is not kept out by our own lock of git's
        // index.
        if round % 2 == 0 {
            scene.sandbox.run(&["recover"]).expect(0);
        } else {
            scene.run(&["sync"]).expect(0);
        }
        let found = versions(&scene);
        assert!(found.iter().all(|version| *version == found[0]), "round {round}: {found:?}");
        assert!(["v1", "v3"].contains(&found[0].as_str()), "round {round}: {found:?}");
        assert!(is_clean(&scene.sandbox.root().join(".graft/kb"), &scene), "round {round}");
        scene.run(&["validate", "--integrity"]).expect(0);
    }
    assert!(killer.killed() > 0);
}

#[test]
fn add_and_remove_are_whole_after_a_kill() {
    let scene = Scene::new();
    let root = scene.sandbox.root();
    let mut killer = Killer::new(11);
    let source = scene.source("v2");
    let add = || {
        let mut command = scene.sandbox.command(&["deps", "add", "kb", &source]);
        scene.isolated(&mut command);
        command
    };
    let remove = || {
        let mut command = scene.sandbox.command(&["deps", "remove", "kb"]);
        scene.isolated(&mut command);
        command
    };
    let usual = kill::time(&mut add()).unwrap();
    kill::time(&mut remove()).unwrap();
    for round in 0..ROUNDS {
        let present = || {
            [
                scene.sandbox.read("graft.yaml").contains("kb:"),
                scene.sandbox.read("graft.lock").contains("kb:"),
                root.join(".graft/kb/a.txt").exists(),
                root.join(".git/modules/.graft/kb/HEAD").exists(),
                root.join(".gitmodules").exists(),
            ]
        };
        let before = present();
        killer.run(&mut if before[0] { remove() } else { add() }, usual).unwrap();
        scene.sandbox.run(&["recover"]);
        let after = present();
        assert!(after.iter().all(|there| *there == after[0]), "round {round}: {before:?} {after:?}");
    }
    assert!(killer.killed() > 0);
}
