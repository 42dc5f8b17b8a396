//! Trains and keeps snapshots as files, for the tests that kill it and for those of other readers.
//!
//! ```text
//! training write OUT EPOCHS [NAME=VALUE …]   train from the start, write a snapshot
//! training go-on IN OUT EPOCHS [threads=N]   take up a snapshot, train to EPOCHS in total, write
//! training keep OUT EVERY [NAME=VALUE …]     train for ever, replace the snapshot every EVERY epochs
//! training show FILE                         one line of JSON, or the reason why it is no snapshot and exit 1
//! ```
//! `NAME=VALUE` sets a parameter; `points=N`, `validation=X` and `noise=X` are those of the spirals.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use backstay_model::Timestamp;
use backstay_source_training::{Content, Header, Lineage, Snapshot};
use backstay_trainer::{Command, Generator, Parameters, Spiral, Status, Trainer};
use serde_json::{Value, json};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", out, epochs, ref settings @ ..] => {
            let mut trainer = fresh(settings)?;
            trainer.command(Command::Start)?;
            trainer.run(epochs.parse()?);
            save(&trainer, Path::new(out))?;
        }
        ["go-on", from, out, epochs, ref settings @ ..] => {
            let mut trainer = load(Path::new(from))?;
            for setting in settings {
                let (name, value) = parse(setting)?;
                let set = trainer.set_parameters([(name, &value)], None);
                set.map_err(|problems| anyhow::anyhow!("{}", problems[0]))?;
            }
            let target: u64 = epochs.parse()?;
            trainer.run(target - trainer.state().epoch);
            save(&trainer, Path::new(out))?;
        }
        ["keep", out, every, ref settings @ ..] => {
            let (mut trainer, every) = (fresh(settings)?, every.parse()?);
            trainer.command(Command::Start)?;
            while trainer.state().status == Status::Started {
                trainer.run(every);
                save(&trainer, Path::new(out))?;
                // Tells the test that there is a snapshot, and of which epoch.
                println!("{}", trainer.state().epoch);
                std::io::stdout().flush()?;
            }
        }
        ["show", file] => return show(Path::new(file)),
        _ => bail!("usage: training write|go-on|keep|show …"),
    }
    Ok(ExitCode::SUCCESS)
}

fn parse(setting: &str) -> Result<(&str, Value)> {
    let (name, value) = setting.split_once('=').with_context(|| format!("`{setting}` is no NAME=VALUE"))?;
    Ok((name, serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

fn fresh(settings: &[&str]) -> Result<Trainer> {
    let (mut parameters, mut spiral) = (Parameters::default(), Spiral::default());
    for setting in settings {
        let (name, value) = parse(setting)?;
        let number = || value.as_f64().with_context(|| format!("{name} is no number"));
        match name {
            "points" => spiral.n_per_spiral = number()? as usize,
            "validation" => spiral.validation = number()?,
            "noise" => spiral.noise = number()?,
            _ => parameters.set(name, &value)?,
        }
    }
    Ok(Trainer::generated(parameters, Generator::Spiral(spiral))?)
}

fn load(path: &Path) -> Result<Trainer> {
    let snapshot = Snapshot::read(File::open(path)?)?;
    let Content::Exact { state, data } = snapshot.content else { bail!("the snapshot is not exact") };
    Ok(Trainer::resume(*state, data)?)
}

/// Writes beside the target, reads back, and replaces.
fn save(trainer: &Trainer, path: &Path) -> Result<()> {
    let header = Header {
        uuid: "6f3a1f0c-52c5-4c8e-9a6e-0d6ad1f5b0aa".to_owned(),
        created: Some(Timestamp::from_micros(1_767_864_600_000_000)),
        description: "an example".to_owned(),
        snapshot_counter: 1,
        lineage: Lineage { run_id: Some("run_1".to_owned()), ..Lineage::default() },
    };
    let beside = path.with_extension("part");
    let mut out = BufWriter::new(File::create(&beside)?);
    let bytes = Snapshot::write(&header, trainer.state(), trainer.data(), &mut out)?;
    out.into_inner()?.sync_all()?;
    ensure!(fs::metadata(&beside)?.len() == bytes, "the file has another length than was told");
    Snapshot::read(File::open(&beside)?)?;
    fs::rename(&beside, path)?;
    Ok(())
}

fn show(path: &Path) -> Result<ExitCode> {
    let snapshot = match Snapshot::read(File::open(path)?) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            println!("{error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let network = snapshot.network();
    let bits = |values: &[f32]| -> Vec<u32> { values.iter().map(|value| value.to_bits()).collect() };
    let line = json!({
        "exact": matches!(snapshot.content, Content::Exact { .. }),
        "missing": snapshot.missing(),
        "uuid": snapshot.header.uuid,
        "description": snapshot.header.description,
        "input_size": network.input_size,
        "output_size": network.output_size,
        "output_weights": bits(&network.output_weights),
        "output_bias": bits(&network.output_bias),
        "units": network.units.iter().map(|unit| json!({
            "weights": bits(&unit.weights),
            "bias": unit.bias.to_bits(),
            "activation": unit.activation.name(),
        })).collect::<Vec<_>>(),
        "epoch": match &snapshot.content {
            Content::Exact { state, .. } => state.epoch,
            Content::Partial(partial) => partial.epoch,
        },
        "rounds": match &snapshot.content {
            Content::Exact { state, .. } => state.rounds.len(),
            Content::Partial(partial) => partial.rounds.len(),
        },
    });
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}
