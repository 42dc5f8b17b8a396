//! Trains on two spirals and tells how long it took, for `bench/trainer.py`.
//!
//! ```text
//! spirals [--units N] [--threads N] [--pool N] [--points N]
//! ```
//! The one line on standard output is JSON: epochs of each kind, the seconds they took, units, accuracy.

use std::time::{Duration, Instant};

use backstay_trainer::{Command, Generator, Parameters, Spiral, Stage, Status, Trainer};
use serde_json::json;

fn main() -> Result<(), String> {
    let mut parameters = Parameters { max_hidden_units: 20, ..Parameters::default() };
    let mut spiral = Spiral::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number: u64 = value.parse().map_err(|error| format!("{name} {value}: {error}"))?;
        match name.as_str() {
            "--units" => parameters.max_hidden_units = number,
            "--threads" => parameters.threads = number,
            "--pool" => parameters.candidate_pool_size = number,
            "--points" => spiral.n_per_spiral = number as usize,
            _ => return Err(format!("no option {name}; there are --units, --threads, --pool, --points")),
        }
    }
    let mut trainer =
        Trainer::generated(parameters, Generator::Spiral(spiral)).map_err(|error| error.to_string())?;
    trainer.command(Command::Start).map_err(|error| error.to_string())?;
    let (mut output, mut candidate) = ((0, Duration::ZERO), (0, Duration::ZERO));
    while trainer.state().status == Status::Started {
        let kind = if trainer.state().stage == Stage::Candidates { &mut candidate } else { &mut output };
        let started = Instant::now();
        kind.0 += trainer.advance(u64::MAX);
        kind.1 += started.elapsed();
    }
    let state = trainer.state();
    let line = json!({
        "output_epochs": output.0,
        "output_s": output.1.as_secs_f64(),
        "candidate_epochs": candidate.0,
        "candidate_s": candidate.1.as_secs_f64(),
        "hidden_units": state.network.units.len(),
        "accuracy": state.rounds.last().map(|round| round.train_accuracy),
        "loss": state.rounds.last().map(|round| round.train_loss),
        "completion": state.completion,
    });
    println!("{line}");
    Ok(())
}
