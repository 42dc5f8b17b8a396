//! `kill -9` at random moments during changes of dependencies: afterwards all of it is old or all of it is new.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use backstay_testkit::{Killer, kill};

use crate::dependencies::Scene;
use crate::dependencies_undo::everything;

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

/// How far a change of dependencies is, told by what it leaves on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It has the lock; nothing is begun.
    Locked,
    /// It is drafted, which fetches and clones beside; a safety snapshot is taken.
    Staging,
    /// What is going to change is written down.
    Intent,
    /// The commit record is written; files move.
    Committed,
    /// All of it has happened.
    Done,
}

impl Step {
    const ALL: [Self; 5] = [Self::Locked, Self::Staging, Self::Intent, Self::Committed, Self::Done];

    /// Where the process `child` is that changes the workspace of `scene`; `None` before its lock and after its end.
    fn of(scene: &Scene, child: u32) -> Option<Self> {
        let own = scene.sandbox.root().join(".backstay");
        let has = |directory: &str, end: &str| {
            let Ok(entries) = fs::read_dir(own.join(directory)) else { return false };
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(end))
        };
        for (end, step) in [(".done", Self::Done), (".commit", Self::Committed), (".intent", Self::Intent)] {
            if has("journal", end) {
                return Some(step);
            }
        }
        if has("stage", "") {
            return Some(Self::Staging);
        }
        let lock = fs::read_to_string(own.join("lock")).unwrap_or_default();
        lock.contains(&child.to_string()).then_some(Self::Locked)
    }
}

/// Everything that a change can touch, whenever the lock was written: each run of a command notes its own time there.
fn but_for_the_time(scene: &Scene) -> Vec<(String, String)> {
    let root = scene.sandbox.root();
    let mut found = everything(scene);
    let id = if root.join("graft.lock").exists() {
        scene.git(&root, &["hash-object", "graft.lock"])
    } else {
        "absent".to_owned()
    };
    for (name, text) in &mut found {
        match name.as_str() {
            "graft.lock" => {
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("consumed_at:"));
                *text = lines.collect::<Vec<_>>().join("\n");
            }
            "index" => *text = text.replace(id.trim(), "as it is"),
            _ => {}
        }
    }
    found
}

/// Kills a command that goes from one state to another at every step until each step was hit `times`, and looks each time
/// at everything. `arguments` go there; an undo goes back.
fn survive_every_step(scene: &Scene, arguments: &[&str], times: usize) {
    const SOON: Duration = Duration::from_mins(1);
    let old = but_for_the_time(scene);
    scene.sandbox.run(arguments).expect(0);
    let new = but_for_the_time(scene);
    for wanted in Step::ALL {
        let (mut hits, mut tries) = (0, 0);
        while hits < times {
            tries += 1;
            assert!(tries <= 50 * times, "{wanted:?} was hit {hits} times in {tries} tries");
            let is_old = but_for_the_time(scene) == old;
            // There and back in turn: the command itself, and its undo.
            let mut command = scene.sandbox.command(if is_old { arguments } else { &["undo"] });
            let mut child =
                scene.isolated(&mut command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let begun = Instant::now();
            while Step::of(scene, child.id()) != Some(wanted) && child.try_wait().unwrap().is_none() {
                assert!(begun.elapsed() < SOON, "{wanted:?} never came");
                std::hint::spin_loop();
            }
            child.kill().unwrap();
            let was_killed = child.wait().unwrap().signal().is_some();
            let hit = Step::of(scene, child.id());
            hits += usize::from(was_killed && hit == Some(wanted));
            let backward = tries % 3 == 0;
            scene.sandbox.run(if backward { &["recover", "--backward"][..] } else { &["recover"] }).expect(0);
            let (from, to) = if is_old { (&old, &new) } else { (&new, &old) };
            let committed = matches!(hit, Some(Step::Committed | Step::Done));
            let expected = match (was_killed, committed) {
                // After the end it may have been forgotten already.
                (true, true) if backward => from,
                (false, _) | (true, true) => to,
                (true, false) => from,
            };
            let found = but_for_the_time(scene);
            // What was finished and closed before the kill is neither open nor in the journal.
            let is_closed = was_killed && hit.is_none_or(|hit| hit == Step::Locked) && found == *to;
            if !is_closed {
                assert_eq!(&found, expected, "{arguments:?} from old {is_old}, at {hit:?}, {backward}");
            }
            assert!(found == old || found == new, "neither old nor new");
            scene.sandbox.run(&["verify", "--all", "--data", "full"]).expect(0);
        }
    }
}

fn at_v1() -> Scene {
    let scene = Scene::new();
    scene.add("v1");
    scene.git(&scene.sandbox.root(), &["commit", "--quiet", "--message=depend"]);
    scene
}

/// Each of the commands that change dependencies, and its undo, killed at every step.
fn survive_all(times: usize) {
    let scene = Scene::new();
    survive_every_step(&scene, &["deps", "add", "kb", &scene.source("v2")], times);
    survive_every_step(&at_v1(), &["deps", "apply", "kb", "--to", "v3"], times);
    survive_every_step(&at_v1(), &["deps", "remove", "kb"], times);
    let scene = at_v1();
    let yaml = scene.sandbox.read("graft.yaml");
    scene.sandbox.write("graft.yaml", yaml.replace("#v1", "#v2"));
    survive_every_step(&scene, &["deps", "resolve"], times);
    let scene = at_v1();
    fs::remove_dir_all(scene.sandbox.root().join(".graft/kb")).unwrap();
    survive_every_step(&scene, &["deps", "sync"], times);
}

#[test]
fn a_kill_at_every_step_of_a_removal_and_its_undo() {
    survive_every_step(&at_v1(), &["deps", "remove", "kb"], 1);
}

#[test]
fn slow_twenty_kills_at_every_step_of_each_change_of_dependencies() {
    survive_all(20);
}
