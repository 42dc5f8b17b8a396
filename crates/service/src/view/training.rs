//! Runs of training and their snapshots.

use std::collections::BTreeMap;

use backstay_model::retention::training::{TrainingDecision, TrainingRules};
use backstay_model::{SnapshotId, SnapshotState, SourceId, Timestamp, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A run to be registered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NewTrainingRun {
    /// Its name, unique among the runs of the tenant.
    pub name: String,
    /// What of its snapshots to keep; `None`: the default rules.
    pub keep: Option<TrainingRules>,
    /// When its trainer saves by itself; `None`: the default.
    pub auto: Option<AutoSnapshot>,
    /// Of a fork, the parameters with which it goes on, where they are others than those of its origin.
    pub params: BTreeMap<String, Value>,
}

/// When a trainer saves by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoSnapshot {
    /// When a hidden unit was added.
    pub each_round: bool,
    /// When a metric is better than it was.
    pub on_best: Option<OnBest>,
    /// Every so many epochs.
    pub every_epochs: Option<u64>,
    /// Every so many seconds.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnBest {
    /// The metric: `loss`, `accuracy`, `val_loss`, `val_accuracy` or `correlation`.
    pub metric: String,
    /// By how much it must be better than at the snapshot before.
    #[serde(default)]
    pub min_delta: f64,
    /// How many epochs must lie between two such snapshots.
    #[serde(default = "OnBest::default_cooldown")]
    pub cooldown_epochs: u64,
}

impl OnBest {
    /// The metrics that there are.
    pub const METRICS: [&str; 5] = ["loss", "accuracy", "val_loss", "val_accuracy", "correlation"];

    /// Whether more of the metric is better.
    pub fn more_is_better(&self) -> bool {
        self.metric.ends_with("accuracy") || self.metric == "correlation"
    }

    /// So many epochs lie between two snapshots when nothing is said.
    pub const fn default_cooldown() -> u64 {
        100
    }
}

/// What to change of a run; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingRunChange {
    /// What of its snapshots to keep.
    pub keep: Option<TrainingRules>,
    /// When its trainer saves by itself.
    pub auto: Option<AutoSnapshot>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRun {
    /// The id.
    pub id: SourceId,
    /// The name.
    pub name: String,
    /// The snapshot that it was forked from.
    pub parent_snapshot_id: Option<SnapshotId>,
    /// The parameters with which it goes on from there, where they are others.
    pub params: BTreeMap<String, Value>,
    /// What of its snapshots is kept.
    pub keep: TrainingRules,
    /// When its trainer saves by itself.
    pub auto: AutoSnapshot,
    /// Goes up by one with each snapshot that a trainer saves, and with each restore.
    pub serial: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// How many snapshots are ready.
    pub snapshots: u64,
    /// The newest of them.
    pub newest: Option<TrainingSnapshot>,
    /// The one that the run goes on from: the newest, unless it was restored to another one since.
    pub head: Option<TrainingSnapshot>,
}

/// Why a snapshot of training is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainingTrigger {
    /// A person asked for it.
    #[default]
    Manual,
    /// A hidden unit was added.
    Round,
    /// So many epochs or seconds were over.
    Schedule,
    /// A metric was better than before.
    Best,
    /// Something is about to happen that can be undone with it.
    Safety,
    /// Training ended or was stopped.
    Shutdown,
    /// It came from a file.
    Import,
}

impl TrainingTrigger {
    /// The same among those of every kind.
    pub const fn of_snapshot(self) -> Trigger {
        match self {
            Self::Manual => Trigger::Manual,
            Self::Round => Trigger::Round,
            Self::Schedule => Trigger::Schedule,
            Self::Best => Trigger::Best,
            Self::Safety => Trigger::Safety,
            Self::Shutdown => Trigger::Shutdown,
            Self::Import => Trigger::Import,
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        self.of_snapshot().as_str()
    }
}

/// A snapshot to be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTrainingSnapshot {
    /// The label, at most 200 characters, unique in the run; without one, the time.
    pub label: String,
    /// The description, at most 2000 characters.
    pub description: String,
    /// Why it is taken.
    pub trigger: TrainingTrigger,
    /// Whether it is pinned from the start.
    pub pin: bool,
    /// The serial of the run from which the trainer that saves goes on. Another trainer that saved since makes it `Busy`. `None` for
    /// who does not train.
    pub after: Option<u64>,
}

/// A snapshot of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSnapshot {
    /// The id.
    pub id: SnapshotId,
    /// The label.
    pub label: String,
    /// The description.
    pub description: String,
    /// When it was taken.
    pub timestamp: Timestamp,
    /// The length of its HDF5 file.
    pub size_bytes: u64,
    /// The bytes that the repository grew by.
    pub added_bytes: u64,
    /// Where it is in its life.
    pub state: SnapshotState,
    /// Why it failed.
    pub state_reason: Option<String>,
    /// Its run.
    pub run_id: SourceId,
    /// The name of the run.
    pub run_name: String,
    /// Epochs of the run.
    pub epoch: u64,
    /// What the run was doing.
    pub phase: String,
    /// The status of the run.
    pub status: String,
    /// Hidden units of the network.
    pub hidden_units: u64,
    /// Losses and accuracies that are numbers.
    pub metrics: BTreeMap<String, f64>,
    /// Why it was taken.
    pub trigger: String,
    /// Whether training goes on from it bit for bit.
    pub exact: bool,
    /// What that lacks.
    pub missing: Vec<String>,
    /// Whether it is pinned or held.
    pub pinned: bool,
    /// Whether the last verification found damage.
    pub damaged: bool,
    /// SHA-256 of its HDF5 file.
    pub sha256: String,
}

/// What a save did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedTraining {
    /// The snapshot.
    pub snapshot: TrainingSnapshot,
    /// The serial of the run since.
    pub serial: u64,
    /// The older snapshots that the keep rules removed.
    pub removed: Vec<SnapshotId>,
}

/// What a restore did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoredTraining {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The snapshot that the run goes on from.
    pub snapshot: TrainingSnapshot,
    /// The run.
    pub run_id: SourceId,
    /// Its name.
    pub run_name: String,
    /// When it was.
    pub restored_at: Timestamp,
    /// The snapshot of the state that was left: restoring it takes the restore back. `None` when there was no state.
    pub safety_snapshot_id: Option<SnapshotId>,
    /// The epoch of the state that was left.
    pub left_epoch: Option<u64>,
    /// The serial of the run since.
    pub serial: u64,
}

/// What the keep rules decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingCleanup {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// The rules.
    pub rules: TrainingRules,
    /// How many stay.
    pub kept: u64,
    /// How many go.
    pub removed: u64,
    /// The decisions, newest snapshot first.
    pub decisions: Vec<TrainingDecision>,
}

/// A run in the tree of forks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LineageNode {
    /// The run.
    pub run_id: SourceId,
    /// Its name.
    pub name: String,
    /// The snapshot that it was forked from; also when that is gone.
    pub parent_snapshot_id: Option<SnapshotId>,
    /// The epoch of that snapshot, when it is known.
    pub parent_epoch: Option<u64>,
    /// How many snapshots are ready.
    pub snapshots: u64,
    /// The epoch of the snapshot that it goes on from.
    pub epoch: Option<u64>,
    /// The runs that were forked from it, oldest first.
    pub forks: Vec<LineageNode>,
}
