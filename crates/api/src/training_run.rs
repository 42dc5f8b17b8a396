//! Runs of training: what is kept of them, when they are saved, and how they are forked.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::page::{list_query, page};

/// A run, a network in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingRun {
    /// Its id.
    #[schema(examples("src-1767435330123456-k3v9q2xa"))]
    pub run_id: String,
    /// Its name, unique among the runs of the tenant.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The snapshot that it was forked from.
    pub parent_snapshot_id: Option<String>,
    /// Who trains it: `builtin`.
    pub trainer: String,
    /// `Stopped`, `Started`, `Paused`, `Completed` or `Failed`.
    pub status: String,
    /// `Idle`, `Output`, `Candidate` or `Inference`.
    pub phase: String,
    /// Epochs of the present phase, where they are known without loading the run.
    pub step: Option<u64>,
    /// Hidden units that it has added, where they are known without loading the run.
    pub round: Option<u64>,
    /// Every parameter; of a run that is not loaded those with which a fork goes on, where they are others than those of its origin.
    #[schema(value_type = Object)]
    pub params: BTreeMap<String, Value>,
    /// What was measured in the last epoch.
    pub metrics: BTreeMap<String, f64>,
    /// Whether whoever trains it is gone.
    pub lost: bool,
    /// What of its snapshots is kept.
    pub keep: KeepRules,
    /// When its trainer saves by itself.
    pub auto: AutoSnapshot,
    /// How many snapshots are ready.
    pub snapshots: u64,
    /// The snapshot that it goes on from: the newest, unless it was restored to another one since.
    pub head_snapshot_id: Option<String>,
    /// Epochs so far; of a run that is not loaded those of that snapshot.
    pub epoch: Option<u64>,
}

page!(
    /// A page of runs, oldest first.
    TrainingRunPage,
    runs: TrainingRun
);

list_query!(
    /// Which runs to list.
    TrainingRunQuery {}
);

/// A run of the built-in trainer, to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTrainingRun {
    /// Its name, unique among the runs of the tenant.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it learns; two spirals when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<RunData>,
    /// Parameters that differ from their defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What of its snapshots to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<KeepRules>,
    /// When it is saved by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto: Option<AutoSnapshot>,
}

/// What a run learns: what a generator makes, or samples.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RunData {
    /// `spiral` or `xor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// The parameters of the generator.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// A list of inputs per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_x: Option<Vec<Vec<f32>>>,
    /// A list of targets per sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_y: Option<Vec<Vec<f32>>>,
    /// The inputs of samples that validate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub val_x: Option<Vec<Vec<f32>>>,
    /// Their targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub val_y: Option<Vec<Vec<f32>>>,
}

/// Every change of a parameter, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParameterHistory {
    /// The changes.
    pub history: Vec<ParameterChange>,
}

/// A change of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParameterChange {
    /// The epoch after which it holds.
    pub epoch: u64,
    /// The parameter.
    pub name: String,
    /// Its value before.
    pub old: Value,
    /// Its value since.
    pub new: Value,
    /// Who changed it.
    pub actor: Option<String>,
}

/// What of a run to keep. A snapshot that any rule keeps is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepRules {
    /// The newest so many.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub last: u32,
    /// The best by a metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestRule>,
    /// The first of every stretch of so many epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub every: Option<u64>,
    /// Whether snapshots that a person asked for go, too.
    #[serde(default)]
    pub manual: bool,
}

/// The best by a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BestRule {
    /// How many.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub k: u32,
    /// The metric, for example `loss`.
    #[schema(min_length = 1, max_length = 100)]
    pub metric: String,
    /// Which way is better.
    pub mode: BestMode,
}

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BestMode {
    /// Less is better.
    Min,
    /// More is better.
    Max,
}

/// When a trainer saves by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoSnapshot {
    /// When a hidden unit was added.
    pub each_round: bool,
    /// When a metric is better than it was.
    pub on_best: Option<OnBest>,
    /// Every so many epochs.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub every_epochs: Option<u64>,
    /// Every so many seconds.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub every_s: Option<u64>,
    /// When training ends.
    pub on_complete: bool,
}

impl Default for AutoSnapshot {
    fn default() -> Self {
        Self { each_round: true, on_best: None, every_epochs: None, every_s: None, on_complete: true }
    }
}

/// When a metric that is better than it was is worth a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnBest {
    /// The metric: `loss`, `accuracy`, `val_loss`, `val_accuracy` or `correlation`.
    #[schema(min_length = 1, max_length = 100)]
    pub metric: String,
    /// By how much it must be better than at the snapshot before; 0 when absent.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub min_delta: f64,
    /// How many epochs must lie between two such snapshots; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub cooldown_epochs: Option<u64>,
}

/// What to change of a run; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingRunChange {
    /// What of its snapshots to keep, from the next save on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<KeepRules>,
    /// When its trainer saves by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto: Option<AutoSnapshot>,
}

/// A run to be made from a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFork {
    /// The name of the new run.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The parameters with which it goes on, where they are others than those of the snapshot.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: BTreeMap<String, Value>,
    /// The seed with which it goes on; it may also stand in `params`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub seed: Option<u64>,
}

/// A cleanup of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingPrune {
    /// The rules; without them those of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<KeepRules>,
    /// Whether to decide only. True unless said otherwise.
    #[schema(default = true)]
    pub dry_run: bool,
}

impl Default for TrainingPrune {
    fn default() -> Self {
        Self { rules: None, dry_run: true }
    }
}

/// Runs as a forest: those that were not forked, or whose origin is gone, with their forks below them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrainingLineage {
    /// The roots, oldest first.
    pub runs: Vec<LineageNode>,
}

/// A run among those that it was forked from and that were forked from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LineageNode {
    /// The run.
    pub run_id: String,
    /// Its name.
    pub name: String,
    /// The snapshot that it was forked from, also when that is gone.
    pub parent_snapshot_id: Option<String>,
    /// The epoch of that snapshot, when it is known.
    pub parent_epoch: Option<u64>,
    /// How many snapshots are ready.
    pub snapshots: u64,
    /// The epoch of the snapshot that it goes on from.
    pub epoch: Option<u64>,
    /// The runs that were forked from it, oldest first.
    #[schema(no_recursion)]
    pub forks: Vec<LineageNode>,
}
