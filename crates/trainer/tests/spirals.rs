//! The default settings learn.

use backstay_trainer::{Command, Completion, Event, Generator, Parameters, Spiral, Status, Trainer};

#[test]
fn two_spirals_are_learned_to_99_percent_by_20_units() {
    let mut trainer =
        Trainer::generated(Parameters::default(), Generator::Spiral(Spiral::default())).unwrap();
    trainer.command(Command::Start).unwrap();
    let mut learned = None;
    while learned.is_none() && trainer.state().network.units.len() <= 20 {
        assert!(trainer.advance(u64::MAX) > 0, "training ended: {:?}", trainer.state().completion);
        for event in trainer.take_events() {
            if let Event::Measured { round, .. } = event
                && round.train_accuracy >= 0.99
            {
                learned = Some(trainer.state().network.units.len());
            }
        }
    }
    let units = learned.expect("99 % was not reached by 20 units");
    assert!(units <= 20, "{units} units");
    // The network as it is used agrees with what training measured.
    let samples = trainer.data().training();
    let outputs = trainer.state().network.predict(samples.inputs());
    let right = outputs
        .chunks(2)
        .zip(samples.targets().chunks(2))
        .filter(|(have, want)| (have[1] > have[0]) == (want[1] > want[0]))
        .count();
    assert!(right >= 198, "{right} of 200");
}

#[test]
fn exclusive_or_is_learned_to_its_target() {
    let parameters = Parameters { output_epochs: 500, candidate_pool_size: 8, ..Parameters::default() };
    let mut trainer = Trainer::generated(parameters, Generator::Xor).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(u64::MAX);
    let state = trainer.state();
    assert_eq!((state.status, state.completion), (Status::Completed, Some(Completion::TargetAccuracy)));
    assert!(!state.network.units.is_empty(), "no linear network learns it");
}
