//! Restores and the operations they leave.

use std::path::PathBuf;

use backstay_model::{Actor, OperationId, SnapshotId, SourceId, TaskId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::change::{Change, ChangeSummary};

/// What to put back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestoreRequest {
    /// Only these paths or globs relative to the root; empty for all.
    pub paths: Vec<String>,
    /// Whether to leave alone what the snapshot does not have instead of removing it.
    pub keep_new: bool,
}

/// What a restore will do. Nothing has been changed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    /// The id to execute it with, valid until `expires_at` and while the state has the serial `state_serial`.
    pub id: String,
    /// The snapshot that is put back.
    pub snapshot: SnapshotId,
    /// The workspace that is changed.
    pub source: SourceId,
    /// What was asked for.
    pub request: RestoreRequest,
    /// The state that the plan was made for.
    pub state_serial: u64,
    /// Until when it can be executed.
    pub expires_at: Timestamp,
    /// How much is changed.
    pub summary: ChangeSummary,
    /// What is changed, at most the first 1000, as changes of the live tree.
    pub changes: Vec<Change>,
    /// Whether `changes` is not all.
    pub truncated: bool,
    /// What cannot be put back. Colliding names refuse the restore.
    pub cannot_restore: Vec<CannotRestore>,
}

/// A path that cannot be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CannotRestore {
    /// The path relative to the root, as text.
    pub path: String,
    /// Why not, for a person.
    pub reason: String,
}

/// Where an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// It is being done.
    Running,
    /// It is done.
    Done,
    /// It failed and changed nothing.
    Failed,
    /// It failed and what it had changed was put back.
    RolledBack,
    /// It was interrupted; the next change of the workspace, or `recover`, ends it.
    NeedsRecovery,
}

/// A change of a workspace that can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The id.
    pub id: OperationId,
    /// What it is: `restore`, `undo`.
    pub kind: String,
    /// Where it is.
    pub state: OperationState,
    /// The workspace.
    pub source: SourceId,
    /// The tenant of the workspace.
    pub tenant: TenantId,
    /// The state before it.
    pub serial_before: u64,
    /// The state after it; `None` while it runs or when it changed nothing.
    pub serial_after: Option<u64>,
    /// The safety snapshot taken before it.
    pub snapshot: Option<SnapshotId>,
    /// How much it changed.
    pub changed: Option<ChangeSummary>,
    /// What it could not put back.
    pub not_restored: Vec<CannotRestore>,
    /// Who asked for it.
    pub actor: Actor,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
    /// The task that does it, when a worker does.
    pub task: Option<TaskId>,
}

/// An operation that a worker will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedOperation {
    /// The operation.
    pub operation: OperationId,
    /// The task that does it.
    pub task: TaskId,
}

/// A restore into an empty directory, which is no operation: nothing that was there is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreReport {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Where it was put.
    pub target: PathBuf,
    /// How much was written.
    pub written: ChangeSummary,
    /// What could not be put back.
    pub not_restored: Vec<CannotRestore>,
}
