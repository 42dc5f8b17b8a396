//! The part of the file that other tools read: format 2 of `juniper.cascor`.

use backstay_hdf5::write::{Attribute, Dataset, Group};
use backstay_trainer::{Activation, State, Unit};
use serde_json::json;

use crate::file::{Header, checksums, state_dict};

/// The name of the format.
pub(super) const FORMAT: &str = "juniper.cascor";
/// The name under which it was known before.
pub(super) const LEGACY_FORMAT: &str = "cascor_hdf5_v1";
/// The bound of random numbers that the other tools draw; it has no meaning here.
const MAX_RANDOM: i64 = 1_000_000;

/// The name of an activation function in the format.
const fn activation(activation: Activation) -> &'static str {
    match activation {
        Activation::Tanh => "Tanh",
        Activation::Sigmoid => "Sigmoid",
        Activation::Relu => "ReLU",
        Activation::Identity => "Identity",
        Activation::Elu => "ELU",
        Activation::Gelu => "GELU",
    }
}

fn text(text: impl Into<String>) -> Attribute {
    Attribute::Text(text.into())
}

fn integer(number: impl TryInto<i64>) -> Attribute {
    Attribute::Integer(number.try_into().unwrap_or(i64::MAX))
}

/// Adds the attributes and groups of the format to `root`.
pub(super) fn write(root: &mut Group, header: &Header, state: &State) {
    write_network(root, header, state);
    root.group("history", history(state));
}

/// The same without the history.
pub(super) fn write_network(root: &mut Group, header: &Header, state: &State) {
    let created = header.created.map_or_else(String::new, |created| created.to_string());
    root.attribute("format", text(FORMAT))
        .attribute("format_version", text("2"))
        .attribute("serializer_version", text(env!("CARGO_PKG_VERSION")))
        .attribute("created", text(created.clone()))
        .attribute("description", text(header.description.clone()))
        .group("meta", meta(header, created, state))
        .group("config", config(state))
        .group("arch", arch(state))
        .group("random", random(state))
        .group("params", params(state))
        .group("hidden_units", hidden_units(state));
}

fn meta(header: &Header, created: String, state: &State) -> Group {
    let mut group = Group::new();
    group
        .attribute("uuid", text(header.uuid.clone()))
        .attribute("creation_timestamp", text(created))
        .attribute("snapshot_counter", integer(header.snapshot_counter))
        .attribute("current_epoch", integer(state.epoch))
        .attribute("patience_counter", integer(state.stale_rounds))
        .attribute("best_value_loss", Attribute::Float(state.best_loss));
    group
}

fn config(state: &State) -> Group {
    let parameters = &state.parameters;
    let config = json!({
        "input_size": state.network.input_size,
        "output_size": state.network.output_size,
        "max_hidden_units": parameters.max_hidden_units,
        "activation_function_name": activation(parameters.activation),
        "learning_rate": parameters.learning_rate,
        "candidate_learning_rate": parameters.candidate_learning_rate,
        "candidate_pool_size": parameters.candidate_pool_size,
        "candidate_epochs": parameters.candidate_epochs,
        "output_epochs": parameters.output_epochs,
        "epochs_max": parameters.max_epochs,
        "patience": parameters.patience,
        "correlation_threshold": parameters.correlation_threshold,
        "random_seed": parameters.seed,
        "random_value_scale": parameters.value_scale,
    });
    let mut group = Group::new();
    group.dataset("config_json", Dataset::text(config.to_string()));
    group
}

fn arch(state: &State) -> Group {
    let mut group = Group::new();
    group
        .attribute("input_size", integer(state.network.input_size))
        .attribute("output_size", integer(state.network.output_size))
        .attribute("num_hidden_units", integer(state.network.units.len()))
        .attribute("max_hidden_units", integer(state.parameters.max_hidden_units))
        .attribute("activation_function_name", text(activation(state.parameters.activation)));
    group
}

fn random(state: &State) -> Group {
    let mut group = Group::new();
    group
        .attribute("seed", integer(state.parameters.seed))
        .attribute("max_value", Attribute::Integer(MAX_RANDOM))
        .attribute("sequence_max_value", Attribute::Integer(MAX_RANDOM))
        .attribute("value_scale", Attribute::Float(state.parameters.value_scale));
    group
}

fn params(state: &State) -> Group {
    let network = &state.network;
    let sums = json!({
        "output_weights": checksums::of_f32s(&network.output_weights),
        "output_bias": checksums::of_f32s(&network.output_bias),
    });
    let mut optimizer = Group::new();
    optimizer
        .attribute("optimizer_type", text(state_dict::class(state.parameters.optimizer)))
        .attribute("learning_rate", text(state.parameters.learning_rate.to_string()))
        .dataset("state_dict", Dataset::text(state_dict::json(state)));
    let shape = [network.features() as u64, network.output_size as u64];
    let mut layer = Group::new();
    layer
        .dataset("weights", Dataset::f32s(&shape, &network.output_weights))
        .dataset("bias", Dataset::f32s(&shape[1..], &network.output_bias))
        .dataset("checksums", Dataset::text(sums.to_string()))
        .group("optimizer", optimizer);
    let mut group = Group::new();
    group.group("output_layer", layer);
    group
}

fn hidden_units(state: &State) -> Group {
    let mut group = Group::new();
    group.attribute("num_units", integer(state.network.units.len()));
    for (index, unit) in state.network.units.iter().enumerate() {
        group.group(&format!("unit_{index}"), hidden_unit(unit));
    }
    group
}

fn hidden_unit(unit: &Unit) -> Group {
    let sums = json!({
        "weights": checksums::of_f32s(&unit.weights),
        "bias": checksums::of_f32s(&[unit.bias]),
    });
    let mut group = Group::new();
    group
        .attribute("correlation", Attribute::Float(unit.correlation))
        .attribute("activation_function_name", text(activation(unit.activation)))
        .dataset("weights", Dataset::f32s(&[unit.weights.len() as u64], &unit.weights))
        .dataset("bias", Dataset::f32s(&[1], &[unit.bias]))
        .dataset("checksums", Dataset::text(sums.to_string()));
    group
}

/// The history per round. Without validation data the two datasets of validation are not there.
fn history(state: &State) -> Group {
    let mut group = Group::new();
    let mut column = |name: &str, values: Vec<f64>| {
        group.dataset(name, Dataset::f64s(&[values.len() as u64], &values));
    };
    let rounds = &state.rounds;
    column("train_loss", rounds.iter().map(|round| round.train_loss).collect());
    column("train_accuracy", rounds.iter().map(|round| round.train_accuracy).collect());
    if rounds.iter().any(|round| !round.value_loss.is_nan()) {
        column("value_loss", rounds.iter().map(|round| round.value_loss).collect());
        column("value_accuracy", rounds.iter().map(|round| round.value_accuracy).collect());
    }
    let mut added = Group::new();
    for (index, unit) in state.network.units.iter().enumerate() {
        let weights: Vec<f64> = unit.weights.iter().map(|weight| f64::from(*weight)).collect();
        let mut one = Group::new();
        one.attribute("correlation", Attribute::Float(unit.correlation))
            .dataset("weights", Dataset::f64s(&[weights.len() as u64], &weights))
            .dataset("bias", Dataset::f64s(&[1], &[f64::from(unit.bias)]));
        added.group(&format!("unit_{index}"), one);
    }
    group.group("hidden_units_added", added);
    group
}
