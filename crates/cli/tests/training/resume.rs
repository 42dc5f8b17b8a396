//! Trained to N at once equals, bit for bit, trained to k, saved, killed, and gone on with in a new process.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use backstay_source_training::Content;
use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::{SMALL, begin, exported, go_on, state_of};

const EPOCHS: u64 = 420;

/// Goes on with the run in a process that is killed while it trains beyond its newest snapshot.
fn train_on_and_kill(sandbox: &Sandbox, name: &str, from: u64) {
    let arguments = ["training", "run", name, "--resume", "--no-rounds", "--every-seconds", "0"];
    let mut command = sandbox.command(&arguments);
    command.args(["--format", "ndjson", "--set", "max_hidden_units=1000", "--set", "patience=1000000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(started["started"]["epoch"], from, "it goes on where the snapshot stood");
    // It has trained for a while when it adds a unit.
    let unit: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert!(unit["unit"]["epoch"].as_u64().unwrap() > from);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The phase of the newest snapshot of a run.
fn phase(sandbox: &Sandbox, name: &str) -> (u64, String) {
    let list = sandbox.json(&["training", "list", "--run", name]);
    let newest = &list["snapshots"][0];
    (newest["epoch"].as_u64().unwrap(), newest["phase"].as_str().unwrap().to_owned())
}

fn killed_and_resumed_is_the_same(threads: &str) {
    let sandbox = Sandbox::new();
    begin(&sandbox, "whole", EPOCHS, &["--threads", threads]);
    let whole = state_of(&exported(&sandbox, "whole"));
    let mut phases = Vec::new();
    // Inside an output phase, at its end, inside a candidate phase, and around.
    for at in [1, 30, 59, 60, 61, 75] {
        let name = format!("at-{at}");
        begin(&sandbox, &name, at, &["--threads", threads]);
        let (epoch, phase) = phase(&sandbox, &name);
        assert_eq!(epoch, at);
        phases.push(phase);
        train_on_and_kill(&sandbox, &name, at);
        go_on(&sandbox, &name, EPOCHS, &["--threads", threads]);
        assert!(state_of(&exported(&sandbox, &name)) == whole, "{at} epochs, {threads} threads: bits differ");
    }
    assert!(phases.iter().any(|phase| phase == "Output") && phases.iter().any(|phase| phase == "Candidate"));
}

#[test]
fn killed_and_resumed_is_the_same_with_one_thread() {
    killed_and_resumed_is_the_same("1");
}

#[test]
fn killed_and_resumed_is_the_same_with_two_threads() {
    killed_and_resumed_is_the_same("2");
}

#[test]
fn through_a_file_into_another_repository_is_the_same() {
    let (here, there) = (Sandbox::new(), Sandbox::new());
    begin(&here, "whole", EPOCHS, &[]);
    let whole = state_of(&exported(&here, "whole"));
    for at in [45, 60, 90] {
        let name = format!("at-{at}");
        begin(&here, &name, at, &[]);
        let file = there.beside(&format!("{name}.h5"));
        let file = file.to_str().unwrap();
        here.ok(&["training", "export", &name, file]);
        there.ok(&["training", "import", file, "--run", &name]);
        // What was imported comes out again as it went in.
        let again = there.beside("again.h5");
        there.ok(&["training", "export", &name, again.to_str().unwrap(), "--force"]);
        assert!(std::fs::read(file).unwrap() == std::fs::read(&again).unwrap());
        train_on_and_kill(&there, &name, at);
        go_on(&there, &name, EPOCHS, &[]);
        assert!(state_of(&exported(&there, &name)) == whole, "{at} epochs, through a file: bits differ");
    }
}

#[test]
fn a_fork_goes_on_as_its_origin_would_have() {
    let sandbox = Sandbox::new();
    begin(&sandbox, "run", 100, &[]);
    sandbox.ok(&["training", "fork", "run", "fork"]);
    go_on(&sandbox, "run", EPOCHS, &[]);
    go_on(&sandbox, "fork", EPOCHS, &[]);
    let (run, fork) = (exported(&sandbox, "run"), exported(&sandbox, "fork"));
    assert!(state_of(&run) == state_of(&fork));
    assert_ne!(run.header.uuid, fork.header.uuid, "a fork is another network");
    assert!(fork.header.lineage.parent_snapshot_id.is_some());
    // With another rate it goes another way, and the change is recorded.
    sandbox.ok(&["training", "fork", "run", "other"]);
    let more = ["--set", "candidate_learning_rate=0.05"];
    go_on(&sandbox, "other", EPOCHS + 60, &more);
    go_on(&sandbox, "run", EPOCHS + 60, &[]);
    assert!(state_of(&exported(&sandbox, "run")) != state_of(&exported(&sandbox, "other")));
}

#[test]
fn a_run_that_was_taken_back_goes_on_as_if_nothing_had_happened() {
    let sandbox = Sandbox::new();
    begin(&sandbox, "whole", EPOCHS, &[]);
    let whole = state_of(&exported(&sandbox, "whole"));
    begin(&sandbox, "run", 75, &[]);
    let newest = || {
        sandbox.json(&["training", "list", "--run", "run"])["snapshots"][0]["id"].as_str().unwrap().to_owned()
    };
    let early = newest();
    go_on(&sandbox, "run", 140, &["--set", "candidate_learning_rate=0.05"]);
    let (late, other) = (newest(), state_of(&exported(&sandbox, "run")));

    let planned = sandbox.json(&["training", "restore", &early, "--dry-run"]);
    assert_eq!((&planned["dry_run"], &planned["left_epoch"]), (&Value::Bool(true), &140.into()));
    assert!(state_of(&exported(&sandbox, "run")) == other, "a dry run changes nothing");
    let ran = sandbox.run(&["training", "restore", &early]).expect(0);
    assert!(ran.stdout.starts_with("✓ run went back from epoch 140 to run:"), "{}", ran.stdout);
    assert!(ran.stderr.contains(&format!("backstay training restore {late}")), "{}", ran.stderr);
    train_on_and_kill(&sandbox, "run", 75);
    go_on(&sandbox, "run", EPOCHS, &[]);
    assert!(state_of(&exported(&sandbox, "run")) == whole, "bits differ");

    let done = sandbox.json(&["training", "restore", &late]);
    assert_eq!(done["left_epoch"], EPOCHS);
    assert!(state_of(&exported(&sandbox, "run")) == other);
    assert!(sandbox.run(&["training", "restore", "nothing"]).expect(1).stderr.contains("not found"));
}

#[test]
fn a_fork_with_a_seed_goes_another_way_and_says_so() {
    let sandbox = Sandbox::new();
    begin(&sandbox, "run", 45, &[]);
    sandbox.ok(&["training", "fork", "run", "same"]);
    let fork = sandbox.json(&["training", "fork", "run", "other", "--seed", "7"]);
    assert_eq!(fork["params"]["seed"], 7);
    for name in ["same", "other"] {
        go_on(&sandbox, name, 200, &[]);
    }
    let Content::Exact { state, .. } = exported(&sandbox, "other").content else { panic!("it is exact") };
    assert_eq!(state.parameters.seed, 7);
    assert!(state_of(&exported(&sandbox, "same")) != state_of(&exported(&sandbox, "other")));
    // Once it has gone on, it has that seed and keeps it.
    go_on(&sandbox, "other", 210, &["--set", "seed=8"]);
    go_on(&sandbox, "other", 220, &[]);
    let Content::Exact { state, .. } = exported(&sandbox, "other").content else { panic!("it is exact") };
    assert_eq!(state.parameters.seed, 8);
}

#[test]
fn a_better_metric_is_saved() {
    let sandbox = Sandbox::new();
    let more = ["--no-rounds", "--on-best", "loss", "--best-cooldown", "10", "--keep", "1000"];
    begin(&sandbox, "run", 200, &more);
    let list = sandbox.json(&["training", "list", "--run", "run"]);
    let best: Vec<_> =
        list["snapshots"].as_array().unwrap().iter().filter(|one| one["trigger"] == "best").collect();
    // How many depends on how long a save takes beside the training.
    assert!(!best.is_empty(), "{list}");
    // Newest first, each better than the one before, and ten epochs apart.
    for pair in best.windows(2) {
        let (newer, older) = (pair[0], pair[1]);
        assert!(newer["metrics"]["loss"].as_f64() < older["metrics"]["loss"].as_f64(), "{list}");
        assert!(newer["epoch"].as_u64().unwrap() >= older["epoch"].as_u64().unwrap() + 10, "{list}");
    }
    sandbox.run(&["training", "run", "x", "--on-best", "luck"]).expect(2);
    sandbox.run(&["training", "run", "x", "--on-best", "loss", "--best-delta", "-1"]).expect(2);
}

#[test]
fn snapshots_beside_the_training_change_no_bit() {
    let sandbox = Sandbox::new();
    begin(&sandbox, "without", EPOCHS, &["--no-rounds"]);
    let saved = begin(&sandbox, "with", EPOCHS, &["--every", "7", "--keep", "1000"]);
    assert_eq!(saved["epoch"], EPOCHS);
    let list = sandbox.json(&["training", "list", "--run", "with"]);
    let scheduled = list["snapshots"].as_array().unwrap().iter().find(|one| one["trigger"] == "schedule");
    assert_eq!(scheduled.unwrap()["exact"], true);
    assert!(state_of(&exported(&sandbox, "with")) == state_of(&exported(&sandbox, "without")));
}

#[test]
fn an_interrupt_saves_and_says_how_to_go_on() {
    let sandbox = Sandbox::new();
    let mut arguments = vec!["training", "run", "run", "--set", "max_hidden_units=1000"];
    arguments.extend(SMALL);
    arguments.extend(["--set", "patience=1000000", "--no-rounds"]);
    let mut command = sandbox.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("hidden unit 1 added") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended by itself");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("backstay training run 'run' --resume"), "{said}");
    let list = sandbox.json(&["training", "list"]);
    let newest = &list["snapshots"][0];
    assert_eq!((newest["trigger"].as_str(), newest["status"].as_str()), (Some("shutdown"), Some("Stopped")));
    let at = newest["epoch"].as_u64().unwrap();
    assert!(at > 60);
    let whole =
        begin(&sandbox, "whole", at, &["--set", "max_hidden_units=1000", "--set", "patience=1000000"]);
    assert_eq!(whole["epoch"], at);
    assert!(state_of(&exported(&sandbox, "run")) == state_of(&exported(&sandbox, "whole")));
}

#[test]
fn two_trainers_of_one_run_do_not_mix() {
    let sandbox = Sandbox::new();
    begin(&sandbox, "run", 30, &[]);
    let arguments = ["training", "run", "run", "--resume", "--every-seconds", "0", "--no-rounds"];
    let mut command = sandbox.command(&arguments);
    command.args(["--format", "ndjson", "--every", "1000000", "--set", "max_hidden_units=1000"]);
    command.args(["--set", "patience=1000000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("started"));
    // The second one saves first; the first one is told when it saves.
    go_on(&sandbox, "run", 60, &[]);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    child.wait().unwrap();
    assert!(!lines.any(|line| line.unwrap().contains("\"saved\"")));
    let list = sandbox.json(&["training", "list"]);
    assert_eq!(list["snapshots"][0]["epoch"], 60, "the state of the first one did not take its place");
}
