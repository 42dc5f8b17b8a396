//! What ends training, what is refused, and what is recorded.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod support;

use std::sync::Arc;

use backstay_trainer::{
    Command, Completion, Dataset, Event, Generator, Parameters, Phase, Refusal, Samples, Spiral, Stage,
    Status, Trainer, TrainerError,
};
use serde_json::json;
use support::assert_same;

fn quick() -> Parameters {
    Parameters {
        output_epochs: 20,
        candidate_epochs: 20,
        candidate_pool_size: 4,
        threads: 1,
        ..Parameters::default()
    }
}

fn run(parameters: Parameters) -> Trainer {
    let spirals = Generator::Spiral(Spiral { n_per_spiral: 20, ..Spiral::default() });
    let mut trainer = Trainer::generated(parameters, spirals).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(u64::MAX);
    trainer
}

#[test]
fn each_limit_ends_training_and_a_raised_one_lets_it_go_on() {
    let cases = [
        (Parameters { max_hidden_units: 3, ..quick() }, Completion::MaxHiddenUnits, json!(4)),
        (Parameters { max_rounds: 2, ..quick() }, Completion::MaxRounds, json!(3)),
        (Parameters { max_epochs: 47, ..quick() }, Completion::MaxEpochs, json!(57)),
        (
            Parameters { patience: 1, learning_rate: 1e-9, output_epochs: 1, ..quick() },
            Completion::Patience,
            json!(3),
        ),
        (Parameters { correlation_threshold: 1.0, ..quick() }, Completion::CorrelationThreshold, json!(0.0)),
        (Parameters { target_accuracy: 0.5, ..quick() }, Completion::TargetAccuracy, json!(1.0)),
    ];
    for (parameters, completion, raised) in cases {
        let mut trainer =
            run(Parameters { max_hidden_units: parameters.max_hidden_units.min(9), ..parameters });
        assert_eq!(trainer.state().status, Status::Completed);
        assert_eq!(trainer.state().completion, Some(completion));
        assert_eq!(trainer.state().phase(), Phase::Inference);
        assert_eq!(trainer.take_events().last(), Some(&Event::Completed(completion)));
        let epoch = trainer.state().epoch;
        assert_eq!(trainer.command(Command::Start), Err(Refusal::Complete(completion)));
        trainer.set_parameters([(completion.parameter(), &raised)], None).unwrap();
        trainer.command(Command::Start).unwrap();
        trainer.run(3);
        assert_eq!(trainer.state().epoch, epoch + 3, "{completion:?}");
    }
}

#[test]
fn there_are_never_more_units_than_allowed() {
    let trainer = run(Parameters { max_hidden_units: 3, ..quick() });
    assert_eq!(trainer.state().network.units.len(), 3);
    // Lowered while candidates train: the best of them is not added.
    let mut trainer = run(Parameters { max_epochs: 30, ..quick() });
    assert_eq!(trainer.state().stage, Stage::Candidates);
    trainer.set_parameters([("max_hidden_units", &json!(0)), ("max_epochs", &json!(1000))], None).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(u64::MAX);
    assert_eq!(trainer.state().completion, Some(Completion::MaxHiddenUnits));
    assert!(trainer.state().network.units.is_empty());
}

#[test]
fn a_loss_that_is_no_number_fails_the_run_until_a_reset() {
    let samples = Samples::new(1, 1, vec![3e38, -3e38], vec![3e38, 0.0]).unwrap();
    let data = Arc::new(Dataset::new(samples, None).unwrap());
    let mut trainer = Trainer::given(quick(), "inline", data).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(u64::MAX);
    assert_eq!(trainer.state().status, Status::Failed);
    assert_eq!(trainer.take_events(), [Event::Failed]);
    assert_eq!(trainer.command(Command::Start), Err(Refusal::Failed));
    assert_eq!(trainer.command(Command::Reset), Ok(Status::Stopped));
    assert_eq!(trainer.state().phase(), Phase::Idle);
}

#[test]
fn a_reset_is_a_fresh_start() {
    let mut trainer = run(Parameters { max_epochs: 90, ..quick() });
    trainer.command(Command::Reset).unwrap();
    let fresh = Trainer::generated(
        Parameters { max_epochs: 90, ..quick() },
        Generator::Spiral(Spiral { n_per_spiral: 20, ..Spiral::default() }),
    )
    .unwrap();
    assert_same(trainer.state(), fresh.state());
    trainer.command(Command::Start).unwrap();
    trainer.run(u64::MAX);
    assert_same(trainer.state(), run(Parameters { max_epochs: 90, ..quick() }).state());
}

#[test]
fn changes_of_parameters_are_recorded_with_epoch_and_actor() {
    let mut trainer = run(Parameters { max_epochs: 25, ..quick() });
    let rate = json!(0.5);
    trainer.set_parameters([("learning_rate", &rate), ("patience", &json!(50))], Some("ada")).unwrap();
    let changes = &trainer.state().parameter_changes;
    assert_eq!(changes.len(), 1, "what stays as it was is no change");
    assert_eq!((changes[0].epoch, changes[0].name.as_str()), (25, "learning_rate"));
    assert_eq!((&changes[0].old, &changes[0].new), (&json!(0.01), &rate));
    assert_eq!(changes[0].actor.as_deref(), Some("ada"));
    let refused = trainer.set_parameters([("learning_rate", &json!("x"))], None).unwrap_err();
    assert_eq!(refused[0].to_string(), "`learning_rate` must be a number");
    assert_eq!(trainer.state().parameter_changes.len(), 1);
}

#[test]
fn rows_and_rounds_tell_every_epoch() {
    let trainer = run(Parameters { max_hidden_units: 2, ..quick() });
    let state = trainer.state();
    assert_eq!(state.epochs.len() as u64, state.epoch);
    assert_eq!(state.rounds.len(), 3);
    let first = state.epochs.row(20).unwrap();
    assert_eq!((first.epoch, first.phase, first.hidden_units), (21, Phase::Candidate, 0));
    assert!(first.correlation > 0.0 && first.validation_loss.is_nan());
    let last = state.epochs.row(state.epochs.len() - 1).unwrap();
    assert_eq!((last.phase, last.hidden_units), (Phase::Output, 2));
    assert!(f64::from(last.loss) <= state.rounds[0].train_loss);
}

#[test]
fn a_state_that_contradicts_itself_is_refused() {
    let trainer = run(Parameters { max_epochs: 30, ..quick() });
    let refused = |change: &dyn Fn(&mut backstay_trainer::State)| {
        let mut state = trainer.state().clone();
        change(&mut state);
        match Trainer::resume(state, Arc::clone(trainer.data())) {
            Err(TrainerError::State(error)) => error.0,
            other => panic!("not refused: {}", other.is_ok()),
        }
    };
    assert!(refused(&|state| state.pool = None).contains("no candidates"));
    assert!(refused(&|state| state.network.output_bias.push(0.0)).contains("output layer"));
    assert!(refused(&|state| state.epoch += 1).contains("rows"));
    assert!(refused(&|state| state.stage = Stage::Output).contains("outside"));
    assert!(refused(&|state| state.network.output_bias.clear()).contains("output layer"));
    assert!(refused(&|state| state.parameters.learning_rate = f64::NAN).contains("learning_rate"));
    assert!(refused(&|state| state.output_moments.first.truncate(1)).contains("moments"));
    assert!(
        refused(&|state| {
            let pool = state.pool.as_mut().unwrap();
            pool.candidates[0].best_weights[0] = f32::NAN;
        })
        .contains("candidate 0")
    );
    assert!(refused(&|state| state.pool.as_mut().unwrap().residual.truncate(3)).contains("residual"));
}
