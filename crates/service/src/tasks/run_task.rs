//! What a worker does with a task.

use backstay_model::{TaskId, Timestamp};
use serde_json::Value;

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::TaskProgress;

/// A task that a worker has claimed, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedTask {
    /// The task.
    pub id: TaskId,
    /// What it does.
    pub kind: String,
    /// How many times it was claimed, this time included.
    pub attempt: u32,
    /// Until when this worker has it, unless it says that it is alive.
    pub lease_until: Timestamp,
}

/// What a heartbeat learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeat {
    /// Go on.
    Continue,
    /// Somebody asked to cancel the task.
    CancelRequested,
    /// The lease was lost; another worker may have the task. Stop.
    Lost,
}

impl Service {
    /// Claims the next task that is due for the worker called `worker`; also one whose worker has died.
    pub async fn claim_task(&self, worker: &str) -> Result<Option<ClaimedTask>> {
        let _ = (self, worker);
        Err(ServiceError::unfinished("claim_task"))
    }

    /// Says that `worker` still works on the task, and how far it is.
    pub async fn heartbeat_task(
        &self,
        id: &TaskId,
        worker: &str,
        progress: &TaskProgress,
    ) -> Result<Heartbeat> {
        let _ = (self, id, worker, progress);
        Err(ServiceError::unfinished("heartbeat_task"))
    }

    /// Does the work of a claimed task; returns its result.
    pub async fn run_task(&self, task: &ClaimedTask, run: &Run) -> Result<Value> {
        let _ = (self, task, run);
        Err(ServiceError::unfinished("run_task"))
    }

    /// Notes how a task ended; a failure that may pass is tried again later, with back-off.
    pub async fn finish_task(&self, task: &ClaimedTask, worker: &str, result: Result<Value>) -> Result<()> {
        let _ = (self, task, worker, result);
        Err(ServiceError::unfinished("finish_task"))
    }
}
