//! Restores: the plan, then its execution.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::change::{Change, ChangeSummary};
use crate::snapshot::ScopePath;
use crate::training_snapshot::RestoredTraining;

/// What to put back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewRestorePlan {
    /// Only these paths or globs relative to the root; empty for all.
    #[schema(max_items = 1000, value_type = Vec<ScopePath>)]
    pub paths: Vec<String>,
    /// Whether to leave alone what the snapshot does not have instead of removing it.
    pub keep_new: bool,
}

/// What a restore will do. Nothing has been changed yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RestorePlan {
    /// The id to execute it with.
    pub plan_id: String,
    /// The snapshot that is put back.
    pub snapshot_id: String,
    /// The workspace that is changed.
    pub workspace_id: String,
    /// The state that the plan was made for; a restore of another state is refused as stale.
    pub state_serial: u64,
    /// Until when the plan can be executed.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// How much is changed.
    pub summary: ChangeSummary,
    /// What is changed, at most the first 1000.
    pub changes: Vec<Change>,
    /// Whether `changes` is not all.
    pub truncated: bool,
    /// What cannot be put back, and why.
    pub cannot_restore: Vec<CannotRestore>,
}

/// A path that cannot be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CannotRestore {
    /// The path relative to the root.
    pub path: String,
    /// Why not, for a person.
    pub reason: String,
}

/// The execution of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRestore {
    /// The plan.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\u0000]*$")]
    pub plan_id: String,
}

/// The answer to a request that changes a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationAccepted {
    /// The operation; undo it by this id.
    pub operation_id: String,
    /// Its state: `running`, or what it became while the request waited.
    pub state: crate::operation::OperationState,
    /// The task that does it.
    pub task_id: String,
}

/// How to put a snapshot back in one step, as parameters of the query or as a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RestoreParameters {
    /// Of training, the run to take back, by name or id: that of the snapshot unless it is a fork of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    #[param(min_length = 1, max_length = 128)]
    pub run: Option<String>,
    /// Whether to tell what would change and to change nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// Seconds to wait for the end of the restore; 60 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 600)]
    #[param(minimum = 0, maximum = 600)]
    pub wait_s: Option<u32>,
}

/// A snapshot that was put back, or would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Restored {
    /// `success`; `planned` for a dry run.
    pub status: String,
    /// A sentence for a person.
    pub message: String,
    /// The snapshot.
    pub snapshot_id: String,
    /// When it was done; null for a dry run.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub restored_at: Option<Timestamp>,
    /// `real`: what was put back is no sample.
    pub mode: String,
    /// The state before it, which undoes the restore; null when nothing changed, and for a dry run.
    pub safety_snapshot_id: Option<String>,
    /// The operation; undo it by this id. Null for a dry run.
    pub operation_id: Option<String>,
    /// How much it changed, or would.
    pub changed: ChangeSummary,
    /// Whether everything comes back as it was captured.
    pub exact: bool,
    /// What does not.
    pub missing: Vec<CannotRestore>,
}

/// What was put back, or would be: a workspace, or a run of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum PutBack {
    /// A run of training.
    Training(RestoredTraining),
    /// A workspace.
    Workspace(Restored),
}

/// How to end an operation that was cut off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecoverRequest {
    /// Whether to go back to the state before the operation even when it had committed.
    pub backward: bool,
}
