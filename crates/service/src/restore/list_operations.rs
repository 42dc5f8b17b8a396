//! What was changed by restores and undos.

use backstay_catalog::{OperationFilter, OperationRow, TaskState};
use backstay_model::{Action, Caller, OperationId, SourceId, Subject};

use super::operation::view;
use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Operation, OperationState};

impl Service {
    /// Lists operations, newest first, of one source or of all that the caller sees.
    pub async fn list_operations(
        &self,
        caller: &Caller,
        source: Option<&SourceId>,
        page: &PageRequest,
    ) -> Result<Page<Operation>> {
        match source {
            Some(source) => {
                self.permitted_source(caller, source, Action::View).await?;
            }
            None => {
                self.permit(caller, None, Action::View, &Subject::new("operations", &caller.tenant)).await?;
            }
        }
        let filter =
            OperationFilter { tenant: Self::visible_tenant(caller), source: source.cloned(), state: None };
        let found: Page<OperationRow> =
            self.read().await?.list_operations(&filter, &page.paging()?).await?.into();
        Ok(found.map(view))
    }

    /// Shows an operation.
    pub async fn show_operation(&self, caller: &Caller, id: &OperationId) -> Result<Operation> {
        Ok(view(self.permitted_operation(caller, id, Action::View).await?))
    }

    /// Asks an operation of a worker to stop. It stops before its commit record, or not at all. `Conflict` when it has ended, or is
    /// done by the process of a person who can interrupt it.
    pub async fn cancel_operation(&self, caller: &Caller, id: &OperationId) -> Result<Operation> {
        let row = self.permitted_operation(caller, id, Action::Restore).await?;
        let operation = view(row);
        if operation.state != OperationState::Running {
            return Err(ServiceError::conflict(format!("Operation {id} has ended")));
        }
        let Some(task) = &operation.task else {
            return Err(ServiceError::conflict(format!("Operation {id} runs in a process of its own"))
                .hint("interrupt that process"));
        };
        let ended = self.read().await?.task(task).await?.is_none_or(|task| {
            matches!(task.state, TaskState::Done | TaskState::Failed | TaskState::Cancelled)
        });
        if !ended {
            self.cancel_task(caller, task).await?;
        }
        self.show_operation(caller, id).await
    }
}
