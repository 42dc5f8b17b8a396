//! `kill -9` at any moment: afterwards everything is old or new, and nothing of ours runs.

use std::fs;
use std::os::unix::process::ExitStatusExt;
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

#[test]
fn what_a_first_use_left_visible_for_git_is_hidden_by_recovery() {
    let scene = Scene::of("true", None);
    fs::create_dir(scene.root().join(".backstay")).unwrap();
    fs::write(scene.root().join(".backstay/.gitignore"), "").unwrap();
    scene.run(&["recover"]).expect(0);
    scene.assert_nothing_left();
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

/// How far an upgrade is, told by what it leaves on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It has the lock; nothing is begun.
    Locked,
    /// The operation is begun; the snapshot is taken.
    Snapshot,
    /// The private copy is made.
    Staging,
    Migrating,
    Verifying,
    /// What is going to change is written down.
    Intent,
    /// The commit record is written; files move.
    Committed,
    /// All of it has happened.
    Done,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Locked,
        Self::Snapshot,
        Self::Staging,
        Self::Migrating,
        Self::Verifying,
        Self::Intent,
        Self::Committed,
        Self::Done,
    ];

    /// Where the upgrade in `scene` is; `None` before its lock and after its end.
    fn of(scene: &Scene) -> Option<Self> {
        let own = scene.root().join(".backstay");
        let has = |directory: &str, end: &str| {
            let Ok(entries) = fs::read_dir(own.join(directory)) else { return false };
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(end))
        };
        for (end, step) in [(".done", Self::Done), (".commit", Self::Committed), (".intent", Self::Intent)] {
            if has("journal", end) {
                return Some(step);
            }
        }
        if scene.beside("checked").exists() {
            return has("stage", "").then_some(Self::Verifying);
        }
        if scene.beside("started").exists() {
            return Some(Self::Migrating);
        }
        if has("stage", "") {
            return Some(Self::Staging);
        }
        if has("runs", ".ndjson") {
            return Some(Self::Snapshot);
        }
        let lock = fs::read_to_string(own.join("lock")).unwrap_or_default();
        lock.contains("upgrade").then_some(Self::Locked)
    }
}

/// Kills upgrades at every step until each step was hit `times`, and looks each time what is left.
fn survive_every_step(times: usize, more: &[&str]) {
    const MIGRATION: &str =
        ": > \"$STARTED\"; for n in $(seq 60); do echo $n > data/$n; done; rm data/a; chmod 600 tool";
    const CHECK: &str = ": > \"$CHECKED\"; test -f data/60";
    for wanted in Step::ALL {
        let (mut hits, mut tries) = (0, 0);
        while hits < times {
            tries += 1;
            assert!(tries <= 50 * times, "{wanted:?} was hit {hits} times in {tries} tries");
            let scene = Scene::of(MIGRATION, Some(CHECK));
            scene.run(&["save"]).expect(0);
            let (before, pins) = (scene.picture(), scene.pins());
            let mut arguments = vec!["upgrade", "kb", "--to", "v2", "--quiet"];
            arguments.extend(more);
            let mut child = scene
                .command(&arguments)
                .env("STARTED", scene.beside("started"))
                .env("CHECKED", scene.beside("checked"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let begun = std::time::Instant::now();
            while Step::of(&scene) != Some(wanted) && child.try_wait().unwrap().is_none() {
                assert!(begun.elapsed() < crate::scene::SOON, "{wanted:?} never came");
                std::hint::spin_loop();
            }
            child.kill().unwrap();
            let was_killed = child.wait().unwrap().signal().is_some();
            let hit = Step::of(&scene);
            hits += usize::from(was_killed && hit == Some(wanted));
            let next: &[&str] = if tries % 2 == 0 { &["recover"] } else { &["save"] };
            scene.run(next).expect(0);
            if scene.read("graft.lock").contains(&scene.commit_of("v2")) {
                assert!(
                    !matches!(hit, Some(Step::Locked | Step::Snapshot | Step::Staging)),
                    "{hit:?} went forward"
                );
                scene.assert_at("v2");
                assert_eq!(scene.read("data/60"), "60\n");
                assert!(!scene.root().join("data/a").exists());
            } else {
                assert!(!matches!(hit, Some(Step::Committed | Step::Done)), "{hit:?} went back");
                before.assert_same(&scene.picture(), &format!("after a kill at {hit:?}"));
                assert_eq!(scene.pins(), pins);
                scene.assert_at("v1");
            }
            scene.run(&["verify", "--all", "--data", "full"]).expect(0);
        }
        eprintln!("{wanted:?}: {hits} kills in {tries} tries");
    }
}

#[test]
fn a_kill_at_every_step() {
    survive_every_step(1, &[]);
}

#[test]
fn slow_twenty_kills_at_every_step() {
    survive_every_step(20, &[]);
}

#[test]
fn slow_twenty_kills_at_every_step_in_place() {
    survive_every_step(20, &["--in-place"]);
}
