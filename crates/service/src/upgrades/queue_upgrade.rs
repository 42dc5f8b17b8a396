//! Leaves an upgrade to a worker.

use backstay_model::{Action, Caller, ErrorKind, OperationId, SnapshotId, SourceId, TaskId};

use super::output::Watch;
use super::upgrade_dependency::{Wanted, unusable};
use crate::error::{Result, ServiceError};
use crate::restore::{NewOperation, UpgradeDetail};
use crate::run::Run;
use crate::service::Service;
use crate::tasks::Work;
use crate::view::{QueuedOperation, RestoreRequest};

impl Service {
    /// Queues the execution of a plan. The plan is used up, and the operation exists at once.
    ///
    /// Errors: `Forbidden` where commands are disabled; `Conflict` with code `stale_plan`, or `nothing_to_upgrade` for a plan
    /// that moves nothing.
    pub async fn queue_upgrade(
        &self,
        caller: &Caller,
        source: &SourceId,
        plan: &str,
    ) -> Result<QueuedOperation> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        self.refuse_commands()?;
        self.workspace_root(&source)?;
        let body = self.upgrade_plan(&source, plan).await?;
        if body.moves.is_empty() {
            return Err(ServiceError::conflict("The plan moves nothing").code("nothing_to_upgrade"));
        }
        let now = self.now();
        let operation = OperationId::generate(now, &**self.rng());
        let work = Work::Upgrade { operation: operation.clone(), plan: plan.to_owned() };
        let payload = self.payload(operation.to_string(), caller, work);
        let queued = self.new_task(TaskId::generate(now, &**self.rng()), Some(&source), &payload, None);
        let mut tx = self.begin().await?;
        tx.use_plan(plan, now).await.map_err(unusable)?;
        let task = tx.enqueue(&queued).await?.into_row().id;
        let new = NewOperation {
            id: operation.clone(),
            kind: "upgrade",
            target: Some(SnapshotId::generate(now, &**self.rng())),
            undoes: None,
            request: RestoreRequest::default(),
            upgrade: Some(UpgradeDetail::of(&body.request, body.moves.iter())),
            task: Some(task.clone()),
        };
        self.begin_operation_in(&mut tx, caller, &source, new).await?;
        tx.commit().await?;
        Ok(QueuedOperation { operation, task })
    }

    /// What a worker does with [`Work::Upgrade`]; the result is the report. A failed upgrade is a failed task.
    pub(crate) async fn run_upgrade(
        &self,
        caller: &Caller,
        operation: &OperationId,
        plan: &str,
        run: &Run,
    ) -> Result<serde_json::Value> {
        let row = self.running_operation(operation).await?;
        let source = self.permitted_source(caller, &row.source, Action::Restore).await?;
        let body = self.upgrade_plan(&source, plan).await?;
        let wanted = Wanted::Queued(Box::new(row), body);
        let outcomes = Box::pin(self.upgrade_as(caller, &source, wanted, Watch::nobody(), run)).await?;
        match outcomes.error {
            None => serde_json::to_value(outcomes.report)
                .map_err(|error| ServiceError::internal("The report cannot be written as JSON", error)),
            Some(error) if error.kind == ErrorKind::Busy => Err(ServiceError::conflict(error.message)),
            Some(error) => Err(error),
        }
    }
}
