//! `kill -9` at any moment: afterwards everything is old or new, and nothing of ours runs.

use std::process::Stdio;
use std::time::Duration;

use backstay_testkit::{Ended, Killer};

use crate::nasty::running;
use crate::scene::{Scene, wait_until};

#[test]
fn a_kill_during_the_migration_ends_it_and_leaves_the_old_state() {
    let scene = Scene::of("echo 1 > one; : > \"$STARTED\"; sleep 5151; echo 2 > two", None);
    let before = scene.picture();
    let mut child = scene
        .command(&["upgrade", "kb", "--to", "v2"])
        .env("STARTED", scene.beside("started"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Scene::wait_for(&scene.beside("started"));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("the migration has ended", || running("sleep 5151").is_empty());
    scene.run(&["recover"]).expect(0);
    before.assert_same(&scene.picture(), "after recovery");
    scene.assert_at("v1");
}

/// Kills an upgrade at a random moment, again and again, and looks what is left.
fn survive(kills: usize) {
    let mut killer = Killer::new(11);
    let mut usual = Duration::from_millis(400);
    let (mut old, mut new) = (0, 0);
    while killer.killed() < kills {
        let scene = Scene::of(
            "for n in 1 2 3 4 5 6 7 8; do echo $n > data/$n; done; rm data/a; chmod 600 tool",
            Some("test -f data/8"),
        );
        let before = scene.picture();
        let mut command = scene.command(&["upgrade", "kb", "--to", "v2", "--quiet"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let ended = killer.run(&mut command, usual).unwrap();
        if let Ended::Finished(status) = ended {
            assert!(status.success());
            usual = usual.mul_f64(0.97);
        } else {
            usual = usual.mul_f64(1.03);
        }
        let recovered = scene.run(&["recover"]);
        assert_eq!(recovered.code, 0, "{recovered:?}");
        if scene.read("graft.lock").contains(&scene.commit_of("v2")) {
            new += 1;
            scene.assert_at("v2");
            assert_eq!(scene.read("data/8"), "8\n");
            assert!(!scene.root().join("data/a").exists());
        } else {
            old += 1;
            before.assert_same(&scene.picture(), "after a kill");
            scene.assert_at("v1");
            scene.upgrade(&["kb", "--to", "v2"], 0);
            scene.assert_at("v2");
        }
        scene.run(&["verify", "--all", "--data", "full"]).expect(0);
    }
    assert!(old > 0, "{old} old, {new} new");
}

#[test]
fn five_kills() {
    survive(5);
}

#[test]
fn slow_a_hundred_kills() {
    survive(100);
}
