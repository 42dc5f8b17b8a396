//! Writing our own group.

use backstay_hdf5::Datatype;
use backstay_hdf5::write::{Attribute, Content, Dataset, Group};
use backstay_trainer::{
    Candidate, Dataset as Data, EpochHistory, Moments, Origin, Parameters, Pool, RANDOM_ALGORITHM, Samples,
    State,
};

use crate::file::names::OWN_VERSION;
use crate::file::own::load::digest;
use crate::file::{Header, text};

fn words(text: impl Into<String>) -> Attribute {
    Attribute::Text(text.into())
}

fn number(value: u64) -> Attribute {
    Attribute::Integer(value.try_into().unwrap_or(i64::MAX))
}

/// The group of a snapshot.
pub(in crate::file) fn write(header: &Header, state: &State, data: &Data) -> Group {
    let mut group = Group::new();
    group
        .attribute("version", Attribute::Integer(OWN_VERSION))
        .group("position", position(state))
        .group("parameters", parameters(&state.parameters))
        .group("optimizer", optimizer(&state.output_moments))
        .group("rng", rng(&state.parameters))
        .group("epochs", epochs(&state.epochs))
        .dataset("params_history", Dataset::text(text::changes(&state.parameter_changes)))
        .group("data", source(&state.origin, data))
        .dataset("lineage", Dataset::text(serde_json::json!(header.lineage).to_string()));
    if let Some(pool) = &state.pool {
        let outputs = state.network.output_size as u64;
        let samples = pool.residual.len() as u64 / outputs.max(1);
        group
            .dataset("residual", Dataset::f32s(&[samples, outputs], &pool.residual))
            .group("candidates", candidates(pool));
    }
    group
}

fn position(state: &State) -> Group {
    let mut group = Group::new();
    group
        .attribute("status", words(state.status.name()))
        .attribute("completion", words(state.completion.map_or("", |completion| completion.parameter())))
        .attribute("stage", words(state.stage.name()))
        .attribute("stage_epoch", number(state.stage_epoch))
        .attribute("epoch", number(state.epoch))
        .attribute("round", number(state.round))
        .attribute("stale_rounds", number(state.stale_rounds))
        .attribute("best_loss", Attribute::Float(state.best_loss));
    group
}

/// All parameters but the number of threads, which is none of the state.
fn parameters(parameters: &Parameters) -> Group {
    let mut group = Group::new();
    for name in Parameters::NAMES.into_iter().filter(|name| *name != "threads") {
        let value = match parameters.get(name) {
            Some(serde_json::Value::String(text)) => words(text),
            Some(value) if value.is_u64() => number(value.as_u64().unwrap_or(0)),
            Some(value) => Attribute::Float(value.as_f64().unwrap_or(f64::NAN)),
            None => continue,
        };
        group.attribute(name, value);
    }
    group
}

fn optimizer(moments: &Moments) -> Group {
    let count = [moments.first.len() as u64];
    let mut group = Group::new();
    group
        .attribute("step", number(moments.step))
        .dataset("first", Dataset::f32s(&count, &moments.first))
        .dataset("second", Dataset::f32s(&count, &moments.second));
    group
}

fn rng(parameters: &Parameters) -> Group {
    let mut group = Group::new();
    group.attribute("algorithm", words(RANDOM_ALGORITHM)).attribute("seed", number(parameters.seed));
    group
}

fn epochs(history: &EpochHistory) -> Group {
    let rows = [history.len() as u64];
    let bytes = |datatype, bytes| Dataset::new(datatype, &rows, Content::Bytes(bytes));
    let units = history.hidden_units.iter().flat_map(|units| units.to_le_bytes()).collect();
    let mut group = Group::new();
    group
        .attribute("dropped", number(history.dropped))
        .dataset("phase", bytes(Datatype::U8, history.phase.clone()))
        .dataset("hidden_units", bytes(Datatype::U16, units))
        .dataset("loss", Dataset::f32s(&rows, &history.loss))
        .dataset("accuracy", Dataset::f32s(&rows, &history.accuracy))
        .dataset("validation_loss", Dataset::f32s(&rows, &history.validation_loss))
        .dataset("validation_accuracy", Dataset::f32s(&rows, &history.validation_accuracy))
        .dataset("correlation", Dataset::f32s(&rows, &history.correlation));
    group
}

/// Candidates in matrices: a row per candidate, one weight per feature, then the bias.
fn candidates(pool: &Pool) -> Group {
    let all = &pool.candidates;
    let count = all.len() as u64;
    let width = all.first().map_or(0, |candidate| candidate.weights.len() as u64);
    let matrix =
        |pick: fn(&Candidate) -> &Vec<f32>| Dataset::f32s(&[count, width], all.iter().flat_map(pick));
    let numbers = |pick: fn(&Candidate) -> &u64| Dataset::u64s(&[count], all.iter().map(pick));
    let done = all.iter().map(|candidate| u8::from(candidate.done)).collect();
    let mut group = Group::new();
    group
        .attribute("activation", words(pool.activation.name()))
        .dataset("weights", matrix(|candidate| &candidate.weights))
        .dataset("best_weights", matrix(|candidate| &candidate.best_weights))
        .dataset("first", matrix(|candidate| &candidate.moments.first))
        .dataset("second", matrix(|candidate| &candidate.moments.second))
        .dataset("best", Dataset::f32s(&[count], all.iter().map(|candidate| &candidate.best)))
        .dataset("stale", numbers(|candidate| &candidate.stale))
        .dataset("epoch", numbers(|candidate| &candidate.epoch))
        .dataset("step", numbers(|candidate| &candidate.moments.step))
        .dataset("done", Dataset::new(Datatype::U8, &[count], Content::Bytes(done)));
    group
}

/// The generator, or the data themselves.
fn source(origin: &Origin, data: &Data) -> Group {
    let mut group = Group::new();
    group.attribute("digest", words(digest(data)));
    match origin {
        Origin::Generated(generator) => {
            group.dataset("generator", Dataset::text(serde_json::json!(generator).to_string()));
        }
        Origin::Given(name) => {
            group.dataset("origin", Dataset::text(name.clone()));
            let mut add = |inputs: &str, targets: &str, samples: &Samples| {
                let rows = samples.len() as u64;
                let shape = [rows, samples.input_size() as u64];
                group.dataset(inputs, Dataset::f32s(&shape, samples.inputs()));
                let shape = [rows, samples.output_size() as u64];
                group.dataset(targets, Dataset::f32s(&shape, samples.targets()));
            };
            add("inputs", "targets", data.training());
            if let Some(samples) = data.validation() {
                add("validation_inputs", "validation_targets", samples);
            }
        }
    }
    group
}
