//! A process killed while it trains and saves leaves a snapshot from which another goes on bit for bit.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SETTINGS: [&str; 5] =
    ["output_epochs=40", "candidate_epochs=50", "candidate_pool_size=5", "points=25", "candidate_patience=6"];

/// The example, which cargo builds beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/training");
    assert!(program.exists(), "build it: cargo build -p backstay-source-training --example training");
    program
}

fn run(arguments: &[&str]) -> String {
    let done = Command::new(program()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&done.stderr));
    text
}

/// Kills a process that keeps a snapshot, after it has told of `tellings` of them.
fn killed(out: &str, every: &str, tellings: usize, threads: &str) {
    let mut child = Command::new(program())
        .args(["keep", out, every, threads])
        .args(SETTINGS)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..tellings {
        lines.next().expect("it trains for ever").unwrap();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_run_goes_on_bit_for_bit_in_a_new_process() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    for (every, tellings, threads) in [("1", 23, "threads=1"), ("7", 12, "threads=2"), ("40", 4, "threads=2")]
    {
        let (kept, whole, resumed) = (path("kept.h5"), path("whole.h5"), path("resumed.h5"));
        killed(&kept, every, tellings, threads);
        let mut arguments = vec!["write", &whole, "400", threads];
        arguments.extend(SETTINGS);
        run(&arguments);
        run(&["go-on", &kept, &resumed, "400", threads]);
        assert!(
            std::fs::read(&whole).unwrap() == std::fs::read(&resumed).unwrap(),
            "killed with a snapshot every {every} epochs, {threads}"
        );
    }
}

#[test]
fn slow_killed_in_save_fifty_times_no_file_verifies_that_does_not_load() {
    let home = tempfile::tempdir().unwrap();
    let kept = home.path().join("kept.h5").to_str().unwrap().to_owned();
    let again = home.path().join("again.h5").to_str().unwrap().to_owned();
    for round in 0..50 {
        // Every epoch is saved, so that the kill falls into a save.
        killed(&kept, "1", 1 + round, "threads=1");
        let shown: serde_json::Value = serde_json::from_str(&run(&["show", &kept])).unwrap();
        let target = shown["epoch"].as_u64().unwrap() + 3;
        run(&["go-on", &kept, &again, &target.to_string(), "threads=1"]);
        // What was being written verifies and loads, or does neither.
        let part = home.path().join("kept.part");
        if part.exists() {
            let part = part.to_str().unwrap();
            let shown = Command::new(program()).args(["show", part]).status().unwrap();
            let loads = Command::new(program())
                .args(["go-on", part, &again, "100000", "max_epochs=1"])
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(shown.success(), loads.success());
        }
    }
}
