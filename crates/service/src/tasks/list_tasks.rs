//! Background work.

use std::time::Duration;

use backstay_catalog::{TaskFilter as RowFilter, TaskRow, TaskState as RowState};
use backstay_model::{Action, Caller, Subject, TaskId};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service};
use crate::view::{Task, TaskFilter, TaskState};

/// The first and the longest pause between two looks at a task that is waited for.
const LOOK_AFTER: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];

impl Service {
    /// Lists tasks, newest first.
    pub async fn list_tasks(
        &self,
        caller: &Caller,
        filter: &TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>> {
        self.permit(caller, None, Action::View, &Subject::new("tasks", &caller.tenant)).await?;
        let wanted = RowFilter {
            tenant: Self::visible_tenant(caller),
            source: None,
            state: filter.state.map(row_state),
            kind: filter.kind.clone(),
        };
        let found: Page<TaskRow> = self.read().await?.list_tasks(&wanted, &page.paging()?).await?.into();
        Ok(found.map(view))
    }

    /// Shows a task.
    pub async fn show_task(&self, caller: &Caller, id: &TaskId) -> Result<Task> {
        Ok(view(self.permitted_task(caller, id, Action::View).await?))
    }

    /// Cancels a task: at once when it is queued, at its next opportunity when it runs. `Conflict` when it has ended.
    pub async fn cancel_task(&self, caller: &Caller, id: &TaskId) -> Result<Task> {
        let row = self.permitted_task(caller, id, Action::Capture).await?;
        if row.state.is_final() {
            return Err(ServiceError::conflict(format!("The task is {} already", row.state)));
        }
        let now = self.now();
        let mut tx = self.begin().await?;
        let row = tx.cancel_task(id, now).await?;
        if row.state == RowState::Cancelled {
            self.abandon_in(&mut tx, &row, "cancelled before it began").await?;
        }
        let mut event =
            self.event(caller, "task.cancelled", Subject::new("task", id)).with(json!({"kind": row.kind}));
        event.tenant = row.tenant.clone();
        event.source = row.source.clone();
        tx.record(event);
        tx.commit().await?;
        Ok(view(row))
    }

    /// Waits until a task has ended, at most `timeout`; returns it as it is then.
    pub async fn wait_task(&self, caller: &Caller, id: &TaskId, timeout: Duration) -> Result<Task> {
        let ended = async {
            let mut pause = LOOK_AFTER[0];
            loop {
                let task = self.show_task(caller, id).await?;
                if task.state.is_final() {
                    return Ok(task);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LOOK_AFTER[1]);
            }
        };
        match tokio::time::timeout(timeout, ended).await {
            Ok(task) => task,
            Err(_) => self.show_task(caller, id).await,
        }
    }

    async fn permitted_task(&self, caller: &Caller, id: &TaskId, action: Action) -> Result<TaskRow> {
        let row = self.read().await?.task(id).await?.ok_or_else(|| ServiceError::not_found("Task"))?;
        self.permit_in_tenant(caller, &row.tenant, action, &Subject::new("task", id), "Task").await?;
        Ok(row)
    }
}

/// A task as callers see it.
pub(crate) fn view(row: TaskRow) -> Task {
    let subject = row.payload.get("subject").and_then(|subject| subject.as_str()).map(str::to_owned);
    Task {
        id: row.id,
        tenant: row.tenant,
        kind: row.kind,
        state: match row.state {
            RowState::Queued => TaskState::Queued,
            RowState::Running => TaskState::Running,
            RowState::Done => TaskState::Done,
            RowState::Failed => TaskState::Failed,
            RowState::Cancelled => TaskState::Cancelled,
        },
        subject: subject.or_else(|| row.source.map(|source| source.to_string())),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        attempts: row.attempts,
        progress: row.progress.and_then(|progress| serde_json::from_value(progress).ok()),
        result: row.result,
        error: row.error,
    }
}

const fn row_state(state: TaskState) -> RowState {
    match state {
        TaskState::Queued => RowState::Queued,
        TaskState::Running => RowState::Running,
        TaskState::Done => RowState::Done,
        TaskState::Failed => RowState::Failed,
        TaskState::Cancelled => RowState::Cancelled,
    }
}
