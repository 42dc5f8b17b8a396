//! Files of other tools: a network, and what else they hold.

use backstay_hdf5::read::{Source, Value};
use backstay_trainer::{
    Activation, EpochHistory, Moments, Network, Origin, Parameters, Round, Stage, State, Status,
};
use serde_json::{Map, Value as Json};

use crate::file::read::Reader;
use crate::file::text::parse;
use crate::file::{FormatName, SnapshotError};

/// What the configuration of other tools calls our parameters.
const CONFIG: [(&str, &str); 11] = [
    ("learning_rate", "learning_rate"),
    ("candidate_learning_rate", "candidate_learning_rate"),
    ("candidate_pool_size", "candidate_pool_size"),
    ("candidate_epochs", "candidate_epochs"),
    ("output_epochs", "output_epochs"),
    ("epochs_max", "max_epochs"),
    ("patience", "patience"),
    ("max_hidden_units", "max_hidden_units"),
    ("correlation_threshold", "correlation_threshold"),
    ("random_seed", "seed"),
    ("random_value_scale", "value_scale"),
];

/// Parts of other tools' files that are not read: pickled or process-bound states, and settings with a key.
const NOT_READ: [&str; 5] =
    ["mp", "random/python_state", "random/numpy_state", "random/torch_state", "random/cuda_states"];

/// What a file of another tool holds. Training can start from it, but not go on bit for bit.
#[derive(Debug, Clone)]
pub struct Partial {
    /// The name of its format.
    pub format: FormatName,
    /// The version of its format.
    pub format_version: String,
    /// The network.
    pub network: Network,
    /// The history; empty when it holds none.
    pub rounds: Vec<Round>,
    /// Its parameters, as far as they are known here; defaults otherwise.
    pub parameters: Parameters,
    /// Epochs that it was trained.
    pub epoch: u64,
    /// Rounds since the lowest loss.
    pub stale_rounds: u64,
    /// The lowest loss of a round.
    pub best_loss: f64,
    /// What going on bit for bit lacks, and what was in the file and not read.
    pub missing: Vec<String>,
}

impl Partial {
    /// A state from which training starts anew with the output weights, on data that are given.
    pub fn into_state(self, origin: Origin) -> State {
        let count = self.network.output_weights.len() + self.network.output_size;
        State {
            parameters: self.parameters,
            status: Status::Stopped,
            completion: None,
            epoch: self.epoch,
            round: 0,
            stage: Stage::Output,
            stage_epoch: 0,
            network: self.network,
            output_moments: Moments::fresh(count),
            pool: None,
            best_loss: self.best_loss,
            stale_rounds: self.stale_rounds,
            rounds: self.rounds,
            epochs: EpochHistory { dropped: self.epoch, ..EpochHistory::default() },
            parameter_changes: Vec::new(),
            origin,
        }
    }
}

/// Reads what is beside the network.
pub(super) fn load<S: Source>(
    reader: &Reader<'_, S>,
    format: FormatName,
    format_version: String,
    network: Network,
    rounds: Vec<Round>,
) -> Result<Partial, SnapshotError> {
    let mut missing: Vec<String> = ["position", "optimizer moments", "data"].map(str::to_owned).into();
    for group in ["meta", "config", "arch", "random", "history"] {
        if reader.file.group(group)?.is_none() {
            missing.push(group.to_owned());
        }
    }
    for path in NOT_READ {
        let (group, name) = path.split_once('/').map_or(("", path), |(group, name)| (group, name));
        if reader.file.group(group)?.is_some_and(|group| group.contains(name)) {
            missing.push(path.to_owned());
        }
    }
    let parameters = parameters(reader, &mut missing)?;
    let meta = reader.attributes("/meta")?;
    let count = |name: &str| meta.get(name).and_then(Value::as_u64).unwrap_or(0);
    let best_loss = meta.get("best_value_loss").and_then(Value::as_f64);
    Ok(Partial {
        format,
        format_version,
        network,
        rounds,
        parameters,
        epoch: count("current_epoch"),
        stale_rounds: count("patience_counter"),
        best_loss: best_loss.filter(|loss| !loss.is_nan()).unwrap_or(f64::INFINITY),
        missing,
    })
}

/// The configuration: its JSON, or without one the attributes of the group. What is out of our bounds is missing.
fn parameters<S: Source>(
    reader: &Reader<'_, S>,
    missing: &mut Vec<String>,
) -> Result<Parameters, SnapshotError> {
    const JSON: &str = "/config/config_json";
    let attributes = reader.attributes("/config")?;
    let config: Map<String, Json> = match reader.file.dataset(JSON)? {
        Some(dataset) => parse(JSON, &dataset.text()?)?,
        None => attributes
            .values
            .iter()
            .filter_map(|(name, value)| {
                let json = match (value.as_text(), value.as_u64()) {
                    (Some(text), _) => Json::from(text),
                    (None, Some(number)) => Json::from(number),
                    (None, None) => Json::from(value.as_f64()?),
                };
                Some((name.clone(), json))
            })
            .collect(),
    };
    let mut parameters = Parameters::default();
    for (theirs, ours) in CONFIG {
        match config.get(theirs) {
            Some(Json::Null) | None => {}
            Some(value) if parameters.set(ours, value).is_ok() => {}
            Some(_) => missing.push(format!("config/{theirs}")),
        }
    }
    match config.get("activation_function_name").map(|name| name.as_str().and_then(Activation::parse)) {
        Some(Some(activation)) => parameters.activation = activation,
        Some(None) => missing.push("config/activation_function_name".to_owned()),
        None => {}
    }
    Ok(parameters)
}
