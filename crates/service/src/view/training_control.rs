//! Runs that this process trains: making and controlling them.

use backstay_model::retention::training::TrainingRules;
pub use backstay_trainer::ParameterChange;
use serde_json::{Map, Value};

use super::AutoSnapshot;

/// What is asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingCommand {
    /// Train from where it stands.
    Start {
        /// Go back to epoch 0 first.
        reset: bool,
    },
    /// Interrupt training.
    Pause,
    /// Go on after a pause.
    Resume,
    /// End training and keep the position.
    Stop,
    /// Go back to epoch 0.
    Reset,
}

/// A run of the built-in trainer, to be made.
#[derive(Debug, Clone, Default)]
pub struct NewBuiltinRun {
    /// Its name, unique among the runs of the tenant.
    pub name: String,
    /// What it learns.
    pub data: NewTrainingData,
    /// Parameters that differ from their defaults.
    pub params: Map<String, Value>,
    /// What of its snapshots to keep; `None`: the default rules.
    pub keep: Option<TrainingRules>,
    /// When it is saved by itself; `None`: after each hidden unit, every minute, and at the end.
    pub auto: Option<AutoSnapshot>,
}

/// Inputs and targets, a row per sample.
pub type TrainingRows = (Vec<Vec<f32>>, Vec<Vec<f32>>);

/// What a new run learns.
#[derive(Debug, Clone)]
pub enum NewTrainingData {
    /// What a generator makes.
    Generated {
        /// Its name: `spiral` or `xor`.
        generator: String,
        /// Its parameters.
        params: Map<String, Value>,
    },
    /// What was given, a row per sample.
    Given {
        /// Inputs and targets to train on.
        training: TrainingRows,
        /// Inputs and targets to validate with.
        validation: Option<TrainingRows>,
    },
}

impl Default for NewTrainingData {
    fn default() -> Self {
        Self::Generated { generator: "spiral".to_owned(), params: Map::new() }
    }
}
