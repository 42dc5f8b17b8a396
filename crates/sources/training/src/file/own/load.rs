//! Reading our own group.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_hdf5::read::{File, Source, Value};
use backstay_trainer::{
    Activation, Candidate, Completion, Dataset, EpochHistory, Generator, Moments, Network, Origin,
    Parameters, Pool, RANDOM_ALGORITHM, Round, Samples, Stage, State, Status,
};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::file::SnapshotError;
use crate::file::names::OWN;
use crate::file::read::Reader;
use crate::file::text::parse;

/// SHA-256 of all samples, in hexadecimal digits.
pub(in crate::file) fn digest(data: &Dataset) -> String {
    let mut hash = Sha256::new();
    for samples in [Some(data.training()), data.validation()].into_iter().flatten() {
        for size in [samples.len(), samples.input_size(), samples.output_size()] {
            hash.update((size as u64).to_le_bytes());
        }
        for value in samples.inputs().iter().chain(samples.targets()) {
            hash.update(value.to_le_bytes());
        }
    }
    HEXLOWER.encode(&hash.finalize())
}

/// Reads the state that our own group holds, around the network and the rounds of the rest of the file.
pub(in crate::file) fn load<S: Source>(
    file: &File<S>,
    network: Network,
    rounds: Vec<Round>,
) -> Result<(State, Arc<Dataset>), SnapshotError> {
    let reader = Reader { file };
    let position = reader.attributes(&format!("/{OWN}/position"))?;
    let (origin, data) = source(&reader)?;
    let stage = position.word("stage", Stage::parse)?;
    let completion = position.text("completion")?;
    let completion = if completion.is_empty() {
        None
    } else {
        let known = Completion::by(completion);
        Some(
            known
                .ok_or_else(|| SnapshotError::invalid(format!("/{OWN}/position@completion"), "is unknown"))?,
        )
    };
    let state = State {
        parameters: parameters(&reader)?,
        status: position.word("status", Status::parse)?,
        completion,
        epoch: position.number("epoch")?,
        round: position.number("round")?,
        stage,
        stage_epoch: position.number("stage_epoch")?,
        output_moments: optimizer(&reader)?,
        pool: if matches!(stage, Stage::Candidates | Stage::Ranked) { Some(pool(&reader)?) } else { None },
        network,
        best_loss: position.float("best_loss")?,
        stale_rounds: position.number("stale_rounds")?,
        rounds,
        epochs: epochs(&reader)?,
        parameter_changes: {
            let path = format!("/{OWN}/params_history");
            parse(&path, &reader.text(&path)?)?
        },
        origin,
    };
    Ok((state, data))
}

fn parameters<S: Source>(reader: &Reader<'_, S>) -> Result<Parameters, SnapshotError> {
    let path = format!("/{OWN}/parameters");
    let attributes = reader.attributes(&path)?;
    let mut parameters = Parameters::default();
    for name in Parameters::NAMES.into_iter().filter(|name| *name != "threads") {
        let invalid = |problem: &str| SnapshotError::invalid(format!("{path}@{name}"), problem);
        let value = match attributes.get(name) {
            Some(Value::Text(text)) => text.as_str().into(),
            Some(Value::Integer(number)) => {
                u64::try_from(*number).map_err(|_| invalid("is negative"))?.into()
            }
            Some(Value::Float(number)) => (*number).into(),
            _ => return Err(invalid("is missing")),
        };
        parameters.set(name, &value).map_err(|error| invalid(&error.problem))?;
    }
    let rng = reader.attributes(&format!("/{OWN}/rng"))?;
    if rng.text("algorithm")? != RANDOM_ALGORITHM {
        return Err(SnapshotError::invalid(format!("/{OWN}/rng@algorithm"), "names an unknown generator"));
    }
    Ok(parameters)
}

fn optimizer<S: Source>(reader: &Reader<'_, S>) -> Result<Moments, SnapshotError> {
    let path = format!("/{OWN}/optimizer");
    Ok(Moments {
        step: reader.attributes(&path)?.number("step")?,
        first: reader.f32s(&format!("{path}/first"))?,
        second: reader.f32s(&format!("{path}/second"))?,
    })
}

fn epochs<S: Source>(reader: &Reader<'_, S>) -> Result<EpochHistory, SnapshotError> {
    let path = |name: &str| format!("/{OWN}/epochs/{name}");
    let units = reader.whole(&path("hidden_units"))?;
    let phase = reader.whole(&path("phase"))?;
    let small = |value: &u64, name: &str| {
        u16::try_from(*value).map_err(|_| SnapshotError::invalid(path(name), "is larger than can be"))
    };
    Ok(EpochHistory {
        dropped: reader.attributes(&format!("/{OWN}/epochs"))?.number("dropped")?,
        phase: phase
            .iter()
            .map(|value| small(value, "phase").map(|value| value.min(255) as u8))
            .collect::<Result<_, _>>()?,
        hidden_units: units.iter().map(|value| small(value, "hidden_units")).collect::<Result<_, _>>()?,
        loss: reader.f32s(&path("loss"))?,
        accuracy: reader.f32s(&path("accuracy"))?,
        validation_loss: reader.f32s(&path("validation_loss"))?,
        validation_accuracy: reader.f32s(&path("validation_accuracy"))?,
        correlation: reader.f32s(&path("correlation"))?,
    })
}

fn pool<S: Source>(reader: &Reader<'_, S>) -> Result<Pool, SnapshotError> {
    let path = |name: &str| format!("/{OWN}/candidates/{name}");
    let count = reader.f32s(&path("best"))?;
    let rows = |name: &str| -> Result<Vec<Vec<f32>>, SnapshotError> {
        let (shape, values) = reader.matrix(&path(name))?;
        if shape[0] != count.len() || shape[1] == 0 {
            return Err(SnapshotError::invalid(path(name), "has another number of candidates than `best`"));
        }
        Ok(values.chunks_exact(shape[1]).map(<[f32]>::to_vec).collect())
    };
    let numbers = |name: &str| -> Result<Vec<u64>, SnapshotError> {
        let numbers = reader.whole(&path(name))?;
        if numbers.len() == count.len() {
            Ok(numbers)
        } else {
            Err(SnapshotError::invalid(path(name), "has another number of candidates than `best`"))
        }
    };
    let (weights, best_weights) = (rows("weights")?, rows("best_weights")?);
    let (first, second) = (rows("first")?, rows("second")?);
    let (stale, epoch, step, done) =
        (numbers("stale")?, numbers("epoch")?, numbers("step")?, numbers("done")?);
    let candidates = weights
        .into_iter()
        .zip(best_weights)
        .zip(first.into_iter().zip(second))
        .enumerate()
        .map(|(index, ((weights, best_weights), (first, second)))| Candidate {
            weights,
            best_weights,
            best: count[index],
            stale: stale[index],
            epoch: epoch[index],
            done: done[index] != 0,
            moments: Moments { step: step[index], first, second },
        })
        .collect();
    let activation =
        reader.attributes(&format!("/{OWN}/candidates"))?.word("activation", Activation::parse)?;
    Ok(Pool { activation, residual: reader.f32s(&format!("/{OWN}/residual"))?, candidates })
}

fn source<S: Source>(reader: &Reader<'_, S>) -> Result<(Origin, Arc<Dataset>), SnapshotError> {
    let path = |name: &str| format!("/{OWN}/data/{name}");
    let invalid =
        |error: backstay_trainer::InvalidData| SnapshotError::invalid(format!("/{OWN}/data"), error);
    let wanted = reader.attributes(&format!("/{OWN}/data"))?.text("digest")?.to_owned();
    let (origin, data) = if reader.file.dataset(&path("generator"))?.is_some() {
        let generator: Generator = parse(&path("generator"), &reader.text(&path("generator"))?)?;
        let data = generator.generate().map_err(invalid)?;
        (Origin::Generated(generator), data)
    } else {
        let samples = |inputs: &str, targets: &str| -> Result<Samples, SnapshotError> {
            let ([rows, input_size], inputs) = reader.matrix(&path(inputs))?;
            let ([other, output_size], targets) = reader.matrix(&path(targets))?;
            if rows != other {
                return Err(SnapshotError::invalid(
                    format!("/{OWN}/data"),
                    "has more inputs than targets, or fewer",
                ));
            }
            Samples::new(input_size, output_size, inputs, targets).map_err(invalid)
        };
        let training = samples("inputs", "targets")?;
        let validation = match reader.file.dataset(&path("validation_inputs"))? {
            Some(_) => Some(samples("validation_inputs", "validation_targets")?),
            None => None,
        };
        (Origin::Given(reader.text(&path("origin"))?), Dataset::new(training, validation).map_err(invalid)?)
    };
    if digest(&data) != wanted {
        return Err(SnapshotError::Checksum { path: path("") });
    }
    Ok((origin, Arc::new(data)))
}

/// The attributes of an object, with errors that name them.
pub(in crate::file) struct Attributes {
    pub(in crate::file) path: String,
    pub(in crate::file) values: BTreeMap<String, Value>,
}

impl Attributes {
    pub(in crate::file) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    fn invalid(&self, name: &str, problem: &str) -> SnapshotError {
        SnapshotError::invalid(format!("{}@{name}", self.path), problem)
    }

    pub(in crate::file) fn text(&self, name: &str) -> Result<&str, SnapshotError> {
        let text = self.get(name).and_then(Value::as_text);
        text.ok_or_else(|| self.invalid(name, "is no text, or missing"))
    }

    pub(in crate::file) fn number(&self, name: &str) -> Result<u64, SnapshotError> {
        let number = self.get(name).and_then(Value::as_u64);
        number.ok_or_else(|| self.invalid(name, "is no whole number, or missing"))
    }

    pub(in crate::file) fn float(&self, name: &str) -> Result<f64, SnapshotError> {
        let number = self.get(name).and_then(Value::as_f64);
        number.ok_or_else(|| self.invalid(name, "is no number, or missing"))
    }

    fn word<T>(&self, name: &str, known: fn(&str) -> Option<T>) -> Result<T, SnapshotError> {
        known(self.text(name)?).ok_or_else(|| self.invalid(name, "is unknown"))
    }
}
