//! Background work.

use std::time::Duration;

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Task, TaskFilter};
use backstay_model::{Caller, TaskId};

impl Service {
    /// Lists tasks, newest first.
    pub async fn list_tasks(
        &self,
        caller: &Caller,
        filter: &TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>> {
        let _ = (self, caller, filter, page);
        Err(ServiceError::unfinished("list_tasks"))
    }

    /// Shows a task.
    pub async fn show_task(&self, caller: &Caller, id: &TaskId) -> Result<Task> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_task"))
    }

    /// Cancels a task: at once when it is queued, at its next opportunity when it runs. `Conflict` when it has ended.
    pub async fn cancel_task(&self, caller: &Caller, id: &TaskId) -> Result<Task> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("cancel_task"))
    }

    /// Waits until a task has ended, at most `timeout`; returns it as it is then.
    pub async fn wait_task(&self, caller: &Caller, id: &TaskId, timeout: Duration) -> Result<Task> {
        let _ = (self, caller, id, timeout);
        Err(ServiceError::unfinished("wait_task"))
    }
}
