//! Runs of training and their snapshots.

use std::collections::BTreeMap;

use backstay_model::retention::training::{TrainingDecision, TrainingRules};
use backstay_model::{SnapshotId, SnapshotState, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

/// A run to be registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTrainingRun {
    /// Its name, unique among the runs of the tenant.
    pub name: String,
    /// What of its snapshots to keep; `None`: the default rules.
    pub keep: Option<TrainingRules>,
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
    /// What of its snapshots is kept.
    pub keep: TrainingRules,
    /// Goes up by one with each snapshot that a trainer saves.
    pub serial: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// How many snapshots are ready.
    pub snapshots: u64,
    /// The newest of them.
    pub newest: Option<TrainingSnapshot>,
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
    /// Training ended or was stopped.
    Shutdown,
    /// It came from a file.
    Import,
}

impl TrainingTrigger {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Round => "round",
            Self::Schedule => "schedule",
            Self::Shutdown => "shutdown",
            Self::Import => "import",
        }
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
    /// The epoch of the newest snapshot.
    pub epoch: Option<u64>,
    /// The runs that were forked from it, oldest first.
    pub forks: Vec<LineageNode>,
}
