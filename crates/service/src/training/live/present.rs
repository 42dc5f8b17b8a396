//! Where a run is: copied out of the trainer now and then, so that reading it waits for no epoch.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstay_api::telemetry::{RunNumbers, TrainingState, TrainingStatus};
use backstay_model::Timestamp;
use backstay_trainer::{Candidate, EpochRow, Origin, Parameters, Phase, Stage, State, Status, Trainer};
use serde_json::{Map, Value, json};

use super::feed::seconds;

/// Where a run that is in this process is, for those who list runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentRun {
    /// Its status, for example `Started`.
    pub status: String,
    /// What it does, for example `Output`.
    pub phase: String,
    /// Epochs so far.
    pub epoch: Option<u64>,
    /// Epochs of the present phase.
    pub step: Option<u64>,
    /// Hidden units that it has added.
    pub round: Option<u64>,
    /// Every parameter.
    pub params: BTreeMap<String, Value>,
    /// What was measured in the last epoch.
    pub metrics: BTreeMap<String, f64>,
}

/// Where a run is at an epoch boundary.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub(super) status: Status,
    pub(super) phase: Phase,
    pub(super) epoch: u64,
    step: u64,
    round: u64,
    parameters: Parameters,
    last: Option<EpochRow>,
    rows: u64,
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    pub(super) units: u64,
    dataset: Arc<str>,
    pool: Option<PoolSummary>,
    /// Goes up with every change of the state, so that equal numbers are equal states.
    pub(super) generation: u64,
}

#[derive(Debug, Clone)]
struct PoolSummary {
    size: u64,
    ranked: bool,
    top: Option<(usize, f32)>,
    second: Option<(usize, f32)>,
    mean: f32,
    done: u64,
}

impl Present {
    /// `dataset` is what [`dataset_name`] says of the run.
    pub(super) fn of(trainer: &Trainer, dataset: &Arc<str>, generation: u64) -> Self {
        let state = trainer.state();
        Self {
            status: state.status,
            phase: state.phase(),
            epoch: state.epoch,
            step: state.stage_epoch,
            round: state.round,
            parameters: state.parameters.clone(),
            last: state.epochs.len().checked_sub(1).and_then(|last| state.epochs.row(last)),
            rows: state.epochs.len() as u64,
            inputs: state.network.input_size as u64,
            outputs: state.network.output_size as u64,
            units: state.network.units.len() as u64,
            dataset: Arc::clone(dataset),
            pool: PoolSummary::of(state),
            generation,
        }
    }

    /// The same for those who list runs.
    pub(super) fn listed(&self) -> PresentRun {
        let params = Parameters::NAMES.into_iter();
        let params = params.filter_map(|name| Some((name.to_owned(), self.parameters.get(name)?))).collect();
        let metrics = self.last.map(|row| {
            [
                ("loss", row.loss),
                ("accuracy", row.accuracy),
                ("val_loss", row.validation_loss),
                ("val_accuracy", row.validation_accuracy),
                ("correlation", row.correlation),
            ]
        });
        let metrics = metrics.into_iter().flatten().filter(|(_, value)| value.is_finite());
        PresentRun {
            status: self.status.name().to_owned(),
            phase: self.phase.name().to_owned(),
            epoch: Some(self.epoch),
            step: Some(self.step),
            round: Some(self.round),
            params,
            metrics: metrics.map(|(name, value)| (name.to_owned(), f64::from(value))).collect(),
        }
    }

    /// The numbers of every answer to a command.
    pub(super) fn numbers(&self) -> RunNumbers {
        RunNumbers {
            is_running: self.status == Status::Started,
            is_paused: self.status == Status::Paused,
            current_epoch: self.epoch,
            current_loss: self.last.and_then(|row| finite(row.loss)),
            current_accuracy: self.last.and_then(|row| finite(row.accuracy)),
            hidden_units: self.units,
            metrics_count: self.rows,
        }
    }

    /// The status as the state machine of older clients writes it.
    pub(super) fn fsm_status(&self) -> String {
        self.status.name().to_uppercase()
    }

    /// `/api/state`.
    pub(super) fn state(&self, name: &str, now: Timestamp) -> TrainingState {
        let named = |one: Option<(usize, f32)>| match one {
            Some((index, score)) => (format!("candidate_{index}"), score),
            None => (String::new(), 0.0),
        };
        let pool = self.pool.as_ref();
        let (top_candidate_id, top_candidate_score) = named(pool.and_then(|pool| pool.top));
        let (second_candidate_id, second_candidate_score) = named(pool.and_then(|pool| pool.second));
        let pool_phase = match pool {
            Some(pool) if pool.ranked => "Selecting",
            Some(_) => "Training",
            None => "Idle",
        };
        TrainingState {
            status: self.status.name().to_owned(),
            phase: self.phase.name().to_owned(),
            learning_rate: self.parameters.learning_rate,
            max_hidden_units: self.parameters.max_hidden_units,
            max_epochs: self.parameters.max_epochs,
            current_epoch: self.epoch,
            current_step: self.step,
            network_name: name.to_owned(),
            dataset_name: self.dataset.as_ref().to_owned(),
            threshold_function: self.parameters.activation.name().to_owned(),
            optimizer_name: self.parameters.optimizer.name().to_owned(),
            timestamp: seconds(now),
            candidate_pool_status: if pool.is_some() { "Active" } else { "Inactive" }.to_owned(),
            candidate_pool_phase: pool_phase.to_owned(),
            candidate_pool_size: pool.map_or(0, |pool| pool.size),
            top_candidate_id,
            top_candidate_score,
            second_candidate_id,
            second_candidate_score,
            pool_metrics: pool.map(PoolSummary::metrics).unwrap_or_default(),
        }
    }

    /// `/api/status`.
    pub(super) fn full_status(&self, name: &str) -> TrainingStatus {
        TrainingStatus {
            numbers: self.numbers(),
            is_training: self.status == Status::Started,
            completed: self.status == Status::Completed,
            failed: self.status == Status::Failed,
            fsm_status: self.fsm_status(),
            phase: self.phase.name().to_lowercase(),
            network_connected: true,
            monitoring_active: true,
            input_size: self.inputs,
            output_size: self.outputs,
            learning_rate: self.parameters.learning_rate,
            max_hidden_units: self.parameters.max_hidden_units,
            max_epochs: self.parameters.max_epochs,
            network_name: name.to_owned(),
            dataset_name: self.dataset.as_ref().to_owned(),
            activation_fn: self.parameters.activation.name().to_owned(),
            optimizer: self.parameters.optimizer.name().to_owned(),
            backend: None,
        }
    }
}

impl PoolSummary {
    fn of(state: &State) -> Option<Self> {
        let pool = state.pool.as_ref()?;
        let mut top: Option<(usize, f32)> = None;
        let mut second: Option<(usize, f32)> = None;
        let mut sum = 0.0;
        // A candidate that has not trained yet has a correlation of −1.
        let score = |candidate: &Candidate| candidate.best.max(0.0);
        for (index, candidate) in pool.candidates.iter().enumerate() {
            let score = score(candidate);
            sum += score;
            if top.is_none_or(|(_, best)| score > best) {
                second = top;
                top = Some((index, score));
            } else if second.is_none_or(|(_, best)| score > best) {
                second = Some((index, score));
            }
        }
        Some(Self {
            size: pool.candidates.len() as u64,
            ranked: state.stage == Stage::Ranked,
            top,
            second,
            mean: sum / pool.candidates.len().max(1) as f32,
            done: pool.candidates.iter().filter(|candidate| candidate.done).count() as u64,
        })
    }

    fn metrics(&self) -> Map<String, Value> {
        let metrics = json!({
            "best_correlation": self.top.map(|(_, score)| score),
            "mean_correlation": self.mean,
            "candidates_done": self.done,
        });
        match metrics {
            Value::Object(metrics) => metrics,
            _ => Map::new(),
        }
    }
}

/// A number, or nothing.
pub(super) fn finite(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}

/// What a person calls the data of a run.
pub(super) fn dataset_name(origin: &Origin) -> Arc<str> {
    let name = match origin {
        Origin::Generated(generator) => match serde_json::to_value(generator) {
            Ok(recipe) => recipe["generator"].as_str().unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        },
        Origin::Given(name) => name.clone(),
    };
    name.into()
}
