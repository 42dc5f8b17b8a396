//! `kill -9` while states are saved.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use rand::RngExt as _;

use crate::sandbox::Sandbox;
use crate::{begin, go_on};

const KILLS: u32 = 50;

#[test]
fn slow_no_snapshot_that_verifies_cannot_be_loaded() {
    let sandbox = Sandbox::new();
    begin(&sandbox, "run", 5, &["--keep", "1000"]);
    let mut random = rand::rng();
    let mut epoch = 5;
    for kill in 0..KILLS {
        let arguments = ["training", "run", "run", "--resume", "--every", "1", "--every-seconds", "0"];
        let mut command = sandbox.command(&arguments);
        command.args(["--format", "ndjson", "--set", "max_hidden_units=1000", "--set", "patience=1000000"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // After so many saves, and then somewhere in the next one.
        let mut acknowledged = epoch;
        for _ in 0..random.random_range(1..4) {
            let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            if let Some(at) = line["saved"]["snapshot"]["epoch"].as_u64() {
                acknowledged = at;
            }
        }
        let (_silent, never) = mpsc::channel::<()>();
        assert!(never.recv_timeout(Duration::from_micros(random.random_range(0..60_000))).is_err());
        child.kill().unwrap();
        child.wait().unwrap();

        // What was told to be saved is there, and the newest is whole and is gone on from.
        let list = sandbox.json(&["training", "list", "--run", "run"]);
        let snapshots = list["snapshots"].as_array().unwrap();
        let ready = snapshots.iter().find(|one| one["state"] == "ready").unwrap();
        epoch = ready["epoch"].as_u64().unwrap();
        assert!(
            epoch >= acknowledged,
            "kill {kill}: epoch {acknowledged} was acknowledged, {epoch} is there"
        );
        let id = ready["id"].as_str().unwrap();
        let verified = sandbox.json(&["training", "verify", id]);
        assert_eq!(verified["valid"], true, "kill {kill}: {verified}");
    }
    // Every single one, and not only the newest of each round.
    let list = sandbox.json(&["training", "list", "--run", "run"]);
    let file = sandbox.beside("one.h5");
    let mut loaded = 0;
    for one in list["snapshots"].as_array().unwrap().iter().filter(|one| one["state"] == "ready") {
        let id = one["id"].as_str().unwrap();
        sandbox.ok(&["training", "export", id, file.to_str().unwrap(), "--force"]);
        assert_eq!(crate::read(&file).header.lineage.snapshot_id.as_deref(), Some(id));
        loaded += 1;
    }
    assert!(loaded > KILLS / 2, "{loaded} snapshots are too few to tell");
    go_on(&sandbox, "run", epoch + 50, &[]);
    sandbox.ok(&["audit", "verify"]);
}
