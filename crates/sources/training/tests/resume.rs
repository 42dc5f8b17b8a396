//! Trained to N at once equals, bit for bit, trained to k, written to a file, read back, and trained to N.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::sync::Arc;

use backstay_model::Timestamp;
use backstay_source_training::{Content, Header, Lineage, Snapshot};
use backstay_trainer::{Command, Dataset, Generator, Parameters, Samples, Spiral, Stage, State, Trainer};
use serde_json::json;

const EPOCHS: u64 = 420;

/// A change of one part of a state.
type Change = fn(&mut State);

fn parameters(threads: u64) -> Parameters {
    Parameters {
        output_epochs: 60,
        candidate_epochs: 80,
        candidate_patience: 5,
        candidate_pool_size: 7,
        learning_rate: 0.1 + 0.2,
        threads,
        ..Parameters::default()
    }
}

fn spirals() -> Generator {
    Generator::Spiral(Spiral { n_per_spiral: 33, validation: 0.2, noise: 0.1 + 0.02, ..Spiral::default() })
}

fn trained(parameters: Parameters, epochs: u64) -> Trainer {
    let mut trainer = Trainer::generated(parameters, spirals()).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(epochs);
    trainer
}

fn file(trainer: &Trainer) -> Vec<u8> {
    let header = Header {
        uuid: "6f3a1f0c-52c5-4c8e-9a6e-0d6ad1f5b0aa".to_owned(),
        created: Some(Timestamp::from_micros(1_767_864_600_000_000)),
        description: "λ".to_owned(),
        snapshot_counter: 3,
        lineage: Lineage { run_id: Some("run_7".to_owned()), ..Lineage::default() },
    };
    let mut bytes = Vec::new();
    Snapshot::write(&header, trainer.state(), trainer.data(), &mut bytes).unwrap();
    let read = Snapshot::read(bytes.as_slice()).unwrap();
    assert_eq!(read.header, header);
    bytes
}

fn load(bytes: &[u8], threads: u64) -> Trainer {
    let Content::Exact { mut state, data } = Snapshot::read(bytes).unwrap().content else {
        panic!("the snapshot is not exact")
    };
    state.parameters.threads = threads;
    Trainer::resume(*state, data).unwrap()
}

/// Two states are one when their files are: everything of a state is in the file, bit for bit.
fn assert_same(left: &Trainer, right: &Trainer, what: &str) {
    assert_eq!(left.state().network, right.state().network, "{what}: network");
    assert_eq!(left.state().pool, right.state().pool, "{what}: candidates");
    assert!(file(left) == file(right), "{what}: files differ");
}

/// Epochs at which something begins or ends, and one before and after each.
fn boundaries(epochs: u64) -> Vec<u64> {
    let mut trainer = Trainer::generated(parameters(1), spirals()).unwrap();
    trainer.command(Command::Start).unwrap();
    let (mut found, mut stage) = (vec![0, 1], Stage::Output);
    while trainer.state().epoch < epochs {
        trainer.advance(1);
        if trainer.state().stage != stage {
            stage = trainer.state().stage;
            let at = trainer.state().epoch;
            found.extend([at - 1, at, at + 1]);
        }
    }
    found.retain(|at| *at <= epochs);
    found
}

#[test]
fn going_on_from_a_file_changes_no_bit() {
    let whole = trained(parameters(1), EPOCHS);
    assert!(whole.state().network.units.len() >= 2, "several rounds are compared");
    let mut at = boundaries(EPOCHS);
    assert!(at.len() > 8);
    at.extend([17, 61, 75, 200, 333]);
    for threads in [1, 2] {
        for at in &at {
            let bytes = file(&trained(parameters(threads), *at));
            let mut second = load(&bytes, threads);
            second.run(EPOCHS - at);
            assert_same(&second, &whole, &format!("{at} epochs, {threads} threads"));
        }
    }
}

#[test]
fn a_chain_of_files_changes_no_bit() {
    let whole = trained(parameters(2), EPOCHS);
    let mut trainer = trained(parameters(2), 0);
    while trainer.state().epoch < EPOCHS {
        trainer = load(&file(&trainer), 2);
        trainer.run(37.min(EPOCHS - trainer.state().epoch));
    }
    assert_same(&trainer, &whole, "a file every 37 epochs");
}

#[test]
fn a_fork_goes_on_bit_for_bit() {
    let mut first = trained(parameters(2), 100);
    let bytes = file(&first);
    let mut fork = load(&bytes, 2);
    for trainer in [&mut first, &mut fork] {
        let (rate, seed) = (json!(0.05), json!(7));
        trainer.set_parameters([("candidate_learning_rate", &rate), ("seed", &seed)], Some("ada")).unwrap();
        trainer.run(150);
    }
    assert_same(&first, &fork, "a fork");
    assert_eq!(fork.state().parameter_changes.len(), 2);
}

#[test]
fn data_that_were_given_are_in_the_file() {
    let samples = |count: usize| {
        let inputs = (0..3 * count).map(|i| (i as f32 * 0.37).sin()).collect();
        let targets = (0..count).map(|i| (i % 3) as f32).collect();
        Samples::new(3, 1, inputs, targets).unwrap()
    };
    let data = Arc::new(Dataset::new(samples(50), Some(samples(9))).unwrap());
    let start = || {
        let mut trainer = Trainer::given(parameters(2), "data.csv", Arc::clone(&data)).unwrap();
        trainer.command(Command::Start).unwrap();
        trainer
    };
    let (mut whole, mut part) = (start(), start());
    whole.run(250);
    part.run(90);
    let mut second = load(&file(&part), 2);
    assert_eq!(second.data(), &data);
    second.run(160);
    assert_same(&second, &whole, "given data");
}

#[test]
fn equal_snapshots_are_equal_bytes_and_other_threads_change_none() {
    let one = file(&trained(parameters(1), 130));
    assert!(one == file(&trained(parameters(1), 130)));
    assert!(one == file(&trained(parameters(8), 130)));
    // What is read and written again is the same file.
    let mut again = Vec::new();
    let snapshot = Snapshot::read(one.as_slice()).unwrap();
    let Content::Exact { state, data } = &snapshot.content else { panic!("not exact") };
    Snapshot::write(&snapshot.header, state, data, &mut again).unwrap();
    assert!(one == again);
}

#[test]
fn every_part_of_a_state_is_in_the_file() {
    let mut trainer = trained(parameters(1), 75);
    trainer.set_parameters([("patience", &json!(9))], None).unwrap();
    let first = file(&trainer);
    let changes: [(&str, Change); 13] = [
        ("weights", |state| state.network.output_weights[0] += 1e-6),
        ("bias", |state| state.network.output_bias[0] += 1e-6),
        ("moments", |state| state.output_moments.second[1] += 1e-6),
        ("step", |state| state.output_moments.step += 1),
        ("candidate", |state| state.pool.as_mut().unwrap().candidates[3].weights[1] += 1e-6),
        ("best", |state| state.pool.as_mut().unwrap().candidates[3].best_weights[1] += 1e-6),
        ("stale", |state| state.pool.as_mut().unwrap().candidates[0].stale += 1),
        ("residual", |state| state.pool.as_mut().unwrap().residual[5] += 1e-6),
        ("loss", |state| state.best_loss *= 1.000_000_000_1),
        ("row", |state| state.epochs.loss[7] += 1e-6),
        ("round", |state| state.rounds[0].train_loss *= 1.000_000_000_1),
        ("change", |state| state.parameter_changes[0].epoch -= 1),
        ("rate", |state| state.parameters.learning_rate *= 1.000_000_000_1),
    ];
    for (name, change) in changes {
        let mut state = trainer.state().clone();
        change(&mut state);
        let changed = Trainer::resume(state, Arc::clone(trainer.data())).unwrap();
        assert!(file(&changed) != first, "{name}");
    }
}
