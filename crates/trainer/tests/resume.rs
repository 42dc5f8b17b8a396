//! Trained to N at once is trained to k, taken up again, and trained to N, bit for bit.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod support;

use std::sync::Arc;

use backstay_trainer::{
    Activation, Command, Generator, OptimizerKind, Parameters, Spiral, Stage, State, Status, Trainer,
};
use support::assert_same;

fn parameters(threads: u64) -> Parameters {
    Parameters {
        output_epochs: 60,
        candidate_epochs: 80,
        candidate_patience: 5,
        candidate_pool_size: 7,
        threads,
        ..Parameters::default()
    }
}

fn spirals() -> Generator {
    Generator::Spiral(Spiral { n_per_spiral: 33, validation: 0.2, noise: 0.01, ..Spiral::default() })
}

fn trained(parameters: Parameters, epochs: u64) -> Trainer {
    let mut trainer = Trainer::generated(parameters, spirals()).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(epochs);
    trainer
}

/// The state after `at` epochs, gone on from to `epochs` in a trainer of its own.
fn resumed(parameters: Parameters, at: u64, epochs: u64) -> State {
    let first = trained(parameters, at);
    let (state, data) = (first.state().clone(), Arc::clone(first.data()));
    drop(first);
    let mut second = Trainer::resume(state, data).unwrap();
    second.run(epochs - at);
    second.state().clone()
}

/// Epochs at which something begins or ends in the first rounds, and one before and after each.
fn boundaries(parameters: &Parameters, epochs: u64) -> Vec<u64> {
    let mut trainer = Trainer::generated(parameters.clone(), spirals()).unwrap();
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
fn resuming_at_any_epoch_changes_no_bit() {
    const EPOCHS: u64 = 420;
    for threads in [1, 2] {
        let whole = trained(parameters(threads), EPOCHS);
        assert_eq!(whole.state().epoch, EPOCHS);
        assert!(whole.state().network.units.len() >= 2, "several rounds are compared");
        let mut at = boundaries(&parameters(threads), EPOCHS);
        assert!(at.len() > 8, "the phases end within the epochs compared");
        // Inside of an output phase and of a candidate phase.
        at.extend([17, 61, 75, 200, 333]);
        for at in at {
            assert_same(&resumed(parameters(threads), at, EPOCHS), whole.state());
        }
    }
}

#[test]
fn resuming_with_every_optimizer_and_activation_changes_no_bit() {
    let kinds = OptimizerKind::ALL.into_iter().zip(Activation::ALL.into_iter().skip(1));
    for (kind, activation) in kinds {
        let optimizer = if kind == OptimizerKind::Ascent { OptimizerKind::Adam } else { kind };
        let parameters = Parameters { optimizer, candidate_optimizer: kind, activation, ..parameters(2) };
        let whole = trained(parameters.clone(), 150);
        for at in [30, 60, 63] {
            assert_same(&resumed(parameters.clone(), at, 150), whole.state());
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let one = trained(parameters(1), 300);
    for threads in [2, 3, 8] {
        let many = trained(parameters(threads), 300);
        assert_same(one.state(), many.state());
    }
}

#[test]
fn the_size_of_the_steps_changes_no_bit() {
    let whole = trained(parameters(2), 300);
    let mut stepwise = Trainer::generated(parameters(2), spirals()).unwrap();
    stepwise.command(Command::Start).unwrap();
    for step in [1, 2, 3, 5, 8, 13].into_iter().cycle() {
        let left = 300 - stepwise.state().epoch;
        if left == 0 {
            break;
        }
        stepwise.run(left.min(step));
    }
    assert_same(whole.state(), stepwise.state());
}

#[test]
fn pausing_and_stopping_change_no_bit() {
    let whole = trained(parameters(2), 200);
    let mut interrupted = trained(parameters(2), 70);
    assert_eq!(interrupted.command(Command::Pause), Ok(Status::Paused));
    assert_eq!(interrupted.run(10), 0, "a paused run does not train");
    interrupted.command(Command::Resume).unwrap();
    interrupted.run(30);
    interrupted.command(Command::Stop).unwrap();
    interrupted.command(Command::Start).unwrap();
    interrupted.run(100);
    assert_same(whole.state(), interrupted.state());
}
