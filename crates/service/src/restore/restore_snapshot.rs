//! Puts a snapshot back.

use backstay_catalog::{CatalogError, OperationRow, OperationState as RowState, SnapshotRow, SourceRow, Tx};
use backstay_model::{Action, Caller, ErrorKind, OperationId, SourceId, TaskId};
use backstay_source_workspace::Selection;
use serde_json::json;

use super::execute::PutBack;
use super::operation::{NewOperation, request_of, view};
use super::plan_restore::PlanBody;
use crate::error::{Result, ServiceError};
use crate::hooks::{Hook, Hooks};
use crate::run::Run;
use crate::service::Service;
use crate::tasks::Work;
use crate::view::{Operation, QueuedOperation, RestoreRequest};

impl Service {
    /// Executes a plan, now, in this process: lock, safety snapshot, stage, check every hash, flip, operation row and event.
    ///
    /// Hooks `before_restore` (under the lock; failing refuses), then `after_restore` or `after_rollback`.
    ///
    /// Errors: `Conflict` with code `stale_plan` when the state has another serial, or the plan was used or has expired; `Damaged` before
    /// anything is written; `Busy`. After an error the workspace is as it was, unless the code is `unfinished`.
    pub async fn restore_snapshot(&self, caller: &Caller, plan: &str, run: &Run) -> Result<Operation> {
        let (source, body) = self.permitted_plan(caller, plan).await?;
        let source = self.permitted_source(caller, &source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "restore", run).await?;
        self.recover_locked(caller, &source, &lock).await?;
        let hooks = self.load_hooks(&source, run).await?;
        self.run_before_hook(caller, &source, &hooks, Hook::BeforeRestore, run).await?;

        let mut tx = self.begin().await?;
        let id = OperationId::generate(self.now(), &**self.rng());
        let row = self.begin_restore_in(&mut tx, caller, &source, id, plan, &body, None).await?;
        tx.commit().await?;
        let put_back = self.put_back_of(&row).await?;
        let carried = Box::pin(self.carry_out(caller, &source, &lock, &row, put_back, run)).await;
        drop(lock);
        self.run_hooks_after_restore(caller, &source, &hooks, &row, carried.as_ref().err(), run).await;
        Ok(view(carried?))
    }

    /// Queues the same for a worker. The plan is used up, and the operation exists at once.
    pub async fn queue_restore(
        &self,
        caller: &Caller,
        source: &SourceId,
        plan: &str,
    ) -> Result<QueuedOperation> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        let (planned, body) = self.permitted_plan(caller, plan).await?;
        if planned != source.id {
            return Err(
                ServiceError::new(ErrorKind::NotFound, "Plan not found").hint("plan the restore again")
            );
        }
        self.workspace_root(&source)?;
        let now = self.now();
        let task = TaskId::generate(now, &**self.rng());
        let operation = OperationId::generate(now, &**self.rng());
        let work = Work::Restore { operation: operation.clone(), plan: plan.to_owned() };
        let payload = self.payload(operation.to_string(), caller, work);
        let queued = self.new_task(task, Some(&source), &payload, None);
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&queued).await?.into_row().id;
        let id = operation.clone();
        self.begin_restore_in(&mut tx, caller, &source, id, plan, &body, Some(task.clone())).await?;
        tx.commit().await?;
        Ok(QueuedOperation { operation, task })
    }

    /// What a worker does with [`Work::Restore`] and, as `undo`, with [`Work::Undo`].
    pub(crate) async fn run_restore(
        &self,
        caller: &Caller,
        operation: &OperationId,
        run: &Run,
    ) -> Result<serde_json::Value> {
        let row = self.running_operation(operation).await?;
        let source = self.permitted_source(caller, &row.source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "restore", run).await?;
        self.recover_locked(caller, &source, &lock).await?;
        let serial = self.read().await?.source(&source.id).await?.map(|source| source.state_serial);
        if serial != Some(row.serial_before) {
            return Err(stale("the workspace was changed since"));
        }
        let hooks = self.load_hooks(&source, run).await?;
        self.run_before_hook(caller, &source, &hooks, Hook::BeforeRestore, run).await?;
        let put_back = self.put_back_of(&row).await?;
        let carried = Box::pin(self.carry_out(caller, &source, &lock, &row, put_back, run)).await;
        drop(lock);
        self.run_hooks_after_restore(caller, &source, &hooks, &row, carried.as_ref().err(), run).await;
        Ok(result_of(&carried?))
    }

    /// `after_restore` when the workspace was changed, `after_rollback` when it failed and is as it was.
    pub(crate) async fn run_hooks_after_restore(
        &self,
        caller: &Caller,
        source: &SourceRow,
        hooks: &Hooks,
        row: &OperationRow,
        failure: Option<&ServiceError>,
        run: &Run,
    ) {
        let hook = match failure {
            None => Hook::AfterRestore,
            // What it is like is not known before the recovery.
            Some(error) if error.is_unfinished() => return,
            Some(_) => Hook::AfterRollback,
        };
        let variables =
            [("BACKSTAY_OPERATION", row.id.as_str()), ("BACKSTAY_OPERATION_KIND", row.kind.as_str())];
        self.run_after_hook(caller, source, hooks, hook, &variables, run).await;
    }

    /// The row of an operation that a task is about to carry out.
    pub(crate) async fn running_operation(&self, id: &OperationId) -> Result<OperationRow> {
        let row =
            self.read().await?.operation(id).await?.ok_or_else(|| ServiceError::not_found("Operation"))?;
        match row.state {
            RowState::Running => Ok(row),
            state => Err(ServiceError::conflict(format!("Operation {id} is {state}"))),
        }
    }

    /// Uses a plan up and adds the row of the operation.
    #[expect(clippy::too_many_arguments, reason = "the parts of one row, used in this file alone")]
    async fn begin_restore_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        id: OperationId,
        plan: &str,
        body: &PlanBody,
        task: Option<TaskId>,
    ) -> Result<OperationRow> {
        tx.use_plan(plan, self.now()).await.map_err(|error| match error {
            CatalogError::Conflict { found, .. } => stale(match found.as_str() {
                "used" => "it was executed already",
                "expired" => "it has expired",
                _ => "the workspace was changed since",
            }),
            error => error.into(),
        })?;
        let new = NewOperation {
            id,
            kind: "restore",
            target: Some(body.snapshot.clone()),
            undoes: None,
            request: body.request.clone(),
            upgrade: None,
            task,
        };
        self.begin_operation_in(tx, caller, source, new).await
    }

    /// Adds the row of the restore of one member of a group.
    pub(crate) async fn begin_member_restore_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        id: OperationId,
        target: &SnapshotRow,
        task: Option<TaskId>,
    ) -> Result<OperationRow> {
        let new = NewOperation {
            id,
            kind: "restore",
            target: Some(target.id.clone()),
            undoes: None,
            request: RestoreRequest::default(),
            upgrade: None,
            task,
        };
        self.begin_operation_in(tx, caller, source, new).await
    }

    /// What a restore puts back.
    async fn put_back_of(&self, row: &OperationRow) -> Result<PutBack> {
        let request = request_of(row);
        let target = match &row.target {
            Some(target) => self.read().await?.snapshot(target).await?,
            None => None,
        };
        let target = target.ok_or_else(|| ServiceError::not_found("Snapshot"))?;
        Ok(PutBack {
            target,
            selection: Selection::of_patterns(&request.paths)?,
            keep_new: request.keep_new,
            force: false,
            listed: Vec::new(),
            git: None,
        })
    }
}

pub(super) fn result_of(row: &OperationRow) -> serde_json::Value {
    json!({
        "operation_id": row.id, "state": row.state.as_str(), "state_serial": row.serial_after,
        "safety_snapshot_id": row.snapshot,
    })
}

fn stale(why: &str) -> ServiceError {
    ServiceError::conflict(format!("The plan cannot be executed: {why}"))
        .code("stale_plan")
        .hint("plan again")
}
