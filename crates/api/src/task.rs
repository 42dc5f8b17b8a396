//! Tasks: units of background work.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::page::{list_query, page};

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// The id.
    pub id: String,
    /// What it does, for example `capture`, `restore`, `verify`.
    pub kind: String,
    /// Where it is.
    pub state: TaskState,
    /// What it works on, for example the id of a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When a worker took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// How many times it was tried.
    pub attempts: u32,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<TaskProgress>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How far a task is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskProgress {
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes in all, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// Items (files, chunks) done.
    pub items_done: u64,
    /// Items in all, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_total: Option<u64>,
    /// What it is working on just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
}

page!(
    /// A page of tasks, newest first.
    TaskPage,
    tasks: Task
);

list_query!(
    /// Which tasks to list.
    TaskQuery {
        /// Only in this state.
        #[param(inline)]
        state: TaskState,
        /// Only of this kind.
        #[param(min_length = 1, max_length = 100)]
        kind: String,
    }
);

/// The answer to a request for work that has only a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskAccepted {
    /// The task.
    pub task_id: String,
    /// Its state.
    pub state: TaskState,
}
