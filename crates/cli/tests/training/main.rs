//! `backstay training` as a person uses it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod commands;
mod kill;
mod resume;
#[path = "../cli/sandbox.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod sandbox;

use std::path::Path;

use backstay_source_training::{Content, Snapshot};
use serde_json::Value;

use crate::sandbox::Sandbox;

/// A small network whose output phases have 60 epochs and whose candidate phases have up to 80.
const SMALL: [&str; 12] = [
    "--data-params",
    r#"{"n_per_spiral": 40, "validation": 0.2}"#,
    "--set",
    "output_epochs=60",
    "--set",
    "candidate_epochs=80",
    "--set",
    "candidate_patience=5",
    "--set",
    "candidate_pool_size=7",
    "--every-seconds",
    "0",
];

/// Begins a run and trains it to `epochs`; what it tells of itself.
fn begin(sandbox: &Sandbox, name: &str, epochs: u64, more: &[&str]) -> Value {
    let epochs = epochs.to_string();
    let mut arguments = vec!["training", "run", name, "--epochs", &epochs];
    arguments.extend(SMALL);
    arguments.extend(more);
    sandbox.json(&arguments)
}

/// Goes on with a run up to `epochs`.
fn go_on(sandbox: &Sandbox, name: &str, epochs: u64, more: &[&str]) -> Value {
    let epochs = epochs.to_string();
    let mut arguments =
        vec!["training", "run", name, "--resume", "--epochs", &epochs, "--every-seconds", "0"];
    arguments.extend(more);
    sandbox.json(&arguments)
}

/// The file of the newest snapshot of a run.
fn exported(sandbox: &Sandbox, name: &str) -> Snapshot {
    let file = sandbox.beside(&format!("{name}.h5"));
    sandbox.ok(&["training", "export", name, file.to_str().unwrap(), "--force"]);
    read(&file)
}

fn read(file: &Path) -> Snapshot {
    Snapshot::read(std::fs::read(file).unwrap()).unwrap()
}

/// All of a state as bytes, without what a snapshot says of itself.
fn state_of(snapshot: &Snapshot) -> Vec<u8> {
    let Content::Exact { .. } = snapshot.content else { panic!("the snapshot is not exact") };
    let mut snapshot = snapshot.clone();
    snapshot.header.uuid = String::new();
    snapshot.header.created = None;
    snapshot.header.snapshot_counter = 0;
    snapshot.header.lineage = backstay_source_training::Lineage::default();
    let mut bytes = Vec::new();
    snapshot.group().write(&mut bytes).unwrap();
    bytes
}
