//! Tasks.

use backstay_model::{TaskId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl TaskState {
    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A unit of background work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The id.
    pub id: TaskId,
    /// The tenant for which it works.
    pub tenant: TenantId,
    /// What it does, for example `capture`.
    pub kind: String,
    /// Where it is.
    pub state: TaskState,
    /// What it works on, for example the id of a snapshot.
    pub subject: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When a worker took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How many times it was tried.
    pub attempts: u32,
    /// How far it is.
    pub progress: Option<TaskProgress>,
    /// What came of it.
    pub result: Option<Value>,
    /// Why it failed, for a person.
    pub error: Option<String>,
}

/// How far a task is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskProgress {
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all, when that is known.
    pub bytes_total: Option<u64>,
    /// Files or other items done.
    pub items_done: u64,
    /// Items in all, when that is known.
    pub items_total: Option<u64>,
    /// What it is working on.
    pub current: Option<String>,
}

/// Which tasks to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only in this state.
    pub state: Option<TaskState>,
    /// Only of this kind.
    pub kind: Option<String>,
}
