//! Makes a run of the built-in trainer.

use std::sync::Arc;

use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_training::{Content, Snapshot};
use backstay_trainer::{Dataset, Generator, InvalidData, Parameters, Samples, Trainer};
use serde_json::{Map, Value, json};

use super::live::invalid_parameters;
use super::resumed::new_header;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::{
    AutoSnapshot, NewBuiltinRun, NewTrainingData, NewTrainingRun, NewTrainingSnapshot, TrainingRows,
    TrainingRun, TrainingTrigger,
};

/// How often a run is saved by itself, in seconds, when nothing is said: what a crash may cost.
const SAVE_EVERY_S: u64 = 60;

impl Service {
    /// Makes a run of the built-in trainer at epoch 0 and saves it, so that it is there after a restart. It does not train yet.
    ///
    /// Commit point: that of the snapshot. When it cannot be saved the run is removed again.
    ///
    /// Errors: `Invalid` for data, parameters, name or rules; `Conflict` when the name is taken.
    pub async fn create_builtin_run(&self, caller: &Caller, new: NewBuiltinRun) -> Result<TrainingRun> {
        let subject = Subject::new("source", &new.name);
        self.permit(caller, Some(Kind::Training), Action::ManageSources, &subject).await?;
        let NewBuiltinRun { name, data, params, keep, auto } = new;
        let auto = auto.unwrap_or(AutoSnapshot { every_s: Some(SAVE_EVERY_S), ..AutoSnapshot::default() });
        let trainer = blocking("make the network", move || made(data, &params)).await?;
        let registered = NewTrainingRun { name, keep, auto: Some(auto), ..NewTrainingRun::default() };
        let run = self.create_training_run(caller, registered).await?;

        let state = Box::new(trainer.state().clone());
        let content = Content::Exact { state, data: Arc::clone(trainer.data()) };
        let snapshot = Snapshot { header: new_header(&**self.rng()), content };
        let first = NewTrainingSnapshot {
            trigger: TrainingTrigger::Schedule,
            after: Some(run.serial),
            ..NewTrainingSnapshot::default()
        };
        match self.save_training(caller, &run.id, snapshot, &first, &Run::default()).await {
            Ok(_) => self.show_training_run(caller, &run.id).await,
            Err(error) => {
                if let Err(left) = self.remove_source(caller, &run.id).await {
                    tracing::warn!(run.id = %run.id, error = %left, "a run without a state could not be removed");
                }
                Err(error)
            }
        }
    }
}

/// A trainer at epoch 0.
fn made(data: NewTrainingData, params: &Map<String, Value>) -> Result<Trainer> {
    let params = params.iter().map(|(name, value)| (name.as_str(), value));
    let parameters = Parameters::default().with(params).map_err(|problems| {
        let mut error = invalid_parameters(problems);
        for field in &mut error.fields {
            field.field = format!("params.{}", field.field);
        }
        error
    })?;
    let trainer = match data {
        NewTrainingData::Generated { generator, params } => {
            let recipe = json!({"generator": generator, "params": params});
            let generator: Generator = serde_json::from_value(recipe)
                .map_err(|error| ServiceError::invalid("data", error.to_string()))?;
            Trainer::generated(parameters, generator)
        }
        NewTrainingData::Given { training, validation } => {
            let data = given(training, validation)
                .map_err(|problem| ServiceError::invalid("data", problem.to_string()))?;
            Trainer::given(parameters, "inline", Arc::new(data))
        }
    };
    trainer.map_err(|error| ServiceError::invalid("data", error.to_string()))
}

fn given(training: TrainingRows, validation: Option<TrainingRows>) -> Result<Dataset, InvalidData> {
    Dataset::new(samples(training)?, validation.map(samples).transpose()?)
}

fn samples((inputs, targets): TrainingRows) -> Result<Samples, InvalidData> {
    if inputs.len() != targets.len() {
        let problem = format!("there are {} rows of inputs and {} of targets", inputs.len(), targets.len());
        return Err(InvalidData(problem));
    }
    let width = |rows: &[Vec<f32>], what: &str| {
        let width = rows.first().map_or(0, Vec::len);
        match rows.iter().position(|row| row.len() != width) {
            Some(row) => {
                Err(InvalidData(format!("row {row} of the {what} has another length than the first")))
            }
            None => Ok(width),
        }
    };
    let (input_size, output_size) = (width(&inputs, "inputs")?, width(&targets, "targets")?);
    Samples::new(input_size, output_size, inputs.concat(), targets.concat())
}
