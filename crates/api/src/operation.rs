//! Operations: changes of a workspace that can be undone.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::change::ChangeSummary;
use crate::event::ActorRef;
use crate::page::{list_query, page};
use crate::restore::CannotRestore;

/// Where an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Operation {
    /// The id.
    pub id: String,
    /// What it is, for example `restore` or `undo`.
    pub kind: String,
    /// Where it is.
    pub state: OperationState,
    /// The workspace.
    pub workspace_id: String,
    /// The state before it.
    pub serial_before: u64,
    /// The state after it; null while it is running or when it changed nothing.
    pub serial_after: Option<u64>,
    /// The safety snapshot taken before it; null when there is none.
    pub snapshot_id: Option<String>,
    /// How much it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_paths: Option<ChangeSummary>,
    /// What it could not put back.
    pub not_restored: Vec<CannotRestore>,
    /// Who asked for it.
    pub actor: ActorRef,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The task that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

page!(
    /// A page of operations, newest first.
    OperationPage,
    operations: Operation
);

list_query!(
    /// Which operations to list.
    OperationQuery {}
);

/// How to undo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UndoRequest {
    /// Whether to undo even where a path has been edited since.
    pub force: bool,
}
