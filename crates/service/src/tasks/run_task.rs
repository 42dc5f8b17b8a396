//! What a worker does with a task.

use std::time::Duration;

use backstay_catalog::{CatalogError, ClaimOptions, Finish, Lease, TaskRow, Tx};
use backstay_model::{Caller, ErrorKind, Outcome, SnapshotId, Subject, TaskId, Timestamp};
use serde_json::{Value, json};

use super::payload::{Payload, Work};
use crate::error::{Result, ServiceError};
use crate::run::{Notice, Run};
use crate::service::{Describe, Service};
use crate::view::TaskProgress;

/// A task that a worker has claimed, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedTask {
    row: TaskRow,
    lease: Lease,
}

impl ClaimedTask {
    /// The task.
    pub fn id(&self) -> &TaskId {
        &self.row.id
    }

    /// What it does, for example `capture`.
    pub fn kind(&self) -> &str {
        &self.row.kind
    }

    /// How many times it was claimed, this time included.
    pub fn attempt(&self) -> u32 {
        self.row.attempts
    }

    /// Until when this worker has it, unless it says that it is alive.
    pub fn lease_until(&self) -> Option<Timestamp> {
        self.row.lease_expires_at
    }
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
        let options = ClaimOptions {
            kinds: Vec::new(),
            owner: worker.to_owned(),
            now: self.now(),
            lease_seconds: self.settings().lease_seconds,
        };
        let Some(row) = self.catalog().claim_task(&options).await? else { return Ok(None) };
        let lease = row.lease().ok_or_else(|| {
            ServiceError::new(ErrorKind::Internal, format!("Task {} was claimed without a lease", row.id))
        })?;
        Ok(Some(ClaimedTask { row, lease }))
    }

    /// Says that the worker still works on the task, and how far it is.
    pub async fn heartbeat_task(&self, task: &ClaimedTask, progress: &TaskProgress) -> Result<Heartbeat> {
        let progress = serde_json::to_value(progress).expect("numbers and a text can be written as JSON");
        let seconds = self.settings().lease_seconds;
        match self.catalog().heartbeat(&task.lease, self.now(), seconds, Some(&progress)).await {
            Ok(alive) if alive.cancel_requested => Ok(Heartbeat::CancelRequested),
            Ok(_) => Ok(Heartbeat::Continue),
            Err(CatalogError::Conflict { .. } | CatalogError::NotFound { .. }) => Ok(Heartbeat::Lost),
            Err(error) => Err(error.into()),
        }
    }

    /// Does the work of a claimed task; returns its result.
    pub async fn run_task(&self, task: &ClaimedTask, run: &Run) -> Result<Value> {
        let Payload { caller, work, lock_wait_s, .. } = Payload::of(&task.row)?;
        // Whoever said how long to wait gets the task put back while it waits, so that it keeps no worker.
        let wait = if lock_wait_s.is_some() { Duration::ZERO } else { run.wait };
        let run = &Run { wait, ..run.clone() };
        if task.row.attempts > task.row.max_attempts {
            let operations = work.operations();
            if !operations.is_empty() && Box::pin(self.recover_operations(&operations, run)).await? {
                return Ok(json!({"operations": operations, "recovered": true}));
            }
            return Err(ServiceError::new(ErrorKind::Internal, "Every worker that began it was interrupted"));
        }
        let result = self.do_work(task.id(), &caller, work, run).await?;
        Ok(with_notices(result, &run.notices.take()))
    }

    async fn do_work(&self, id: &TaskId, caller: &Caller, work: Work, run: &Run) -> Result<Value> {
        match work {
            Work::Capture { snapshot, new } => self.run_capture(caller, id, &snapshot, &new, run).await,
            Work::Restore { operation, .. } => self.run_restore(caller, &operation, run).await,
            Work::Undo { operation, undoes, force } => {
                self.run_undo(caller, &operation, &undoes, force, run).await
            }
            Work::Upgrade { operation, plan } => {
                Box::pin(self.run_upgrade(caller, &operation, &plan, run)).await
            }
            Work::Verify { scope, depth, restore_test } => {
                let report = if restore_test {
                    self.verify_and_test_restores(caller, &scope, depth, run).await?
                } else {
                    self.verify_snapshots(caller, &scope, depth, run).await?
                };
                Ok(serde_json::to_value(report).unwrap_or_default())
            }
            Work::Recover { source, backward } => {
                let report = Box::pin(self.recover(caller, &source, backward, run)).await?;
                Ok(serde_json::to_value(report).unwrap_or_default())
            }
            Work::ChangeDependencies { source, change } => {
                let changed = self.change_dependencies_as(caller, &source, change, Some(id.clone()), run);
                Ok(serde_json::to_value(Box::pin(changed).await?).unwrap_or_default())
            }
            Work::RunCommand { operation, command } => {
                Box::pin(self.run_command(caller, &operation, command, run)).await
            }
            Work::Collect => {
                let report = self.collect_garbage(caller, run).await?;
                Ok(serde_json::to_value(report).unwrap_or_default())
            }
            Work::Prune { source } => {
                let result = self.prune_snapshots(caller, &source, None, false).await?;
                Ok(json!({"kept": result.kept, "removed": result.removed}))
            }
            Work::GroupCapture { group, snapshots, label, .. } => {
                self.run_group_capture(caller, id, &group, &label, &snapshots, run).await
            }
            Work::GroupRestore { group, group_snapshot, operations } => {
                self.run_group_restore(caller, &group, &group_snapshot, &operations, run).await
            }
        }
    }

    /// Notes how an attempt ended: a failure that may pass is tried again later, with back-off; one that is final closes what the
    /// task had begun. A worker that has lost the task changes nothing.
    pub async fn finish_task(&self, task: &ClaimedTask, result: Result<Value>) -> Result<()> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let row = &task.row;
        let lock_wait_s = Payload::of(row).ok().and_then(|payload| payload.lock_wait_s);
        let until = lock_wait_s.map(|seconds| row.created_at.plus_seconds(seconds.into()));
        let finish = match result {
            Ok(result) => Finish::Done(result),
            Err(error)
                if error.kind == ErrorKind::Busy
                    && until.is_some_and(|until| now < until)
                    && !row_cancelled(&mut tx, &row.id).await? =>
            {
                Finish::Postpone { at: now.plus_seconds(1), error: error.message }
            }
            Err(error) if error.is_cancelled() && row_cancelled(&mut tx, &row.id).await? => {
                self.abandon_in(&mut tx, row, "cancelled").await?;
                Finish::Cancelled
            }
            Err(error) if row.attempts < row.max_attempts && may_pass(&error, until.is_some()) => {
                tracing::info!(task.id = %row.id, task.attempts = row.attempts, %error, "a task is tried again later");
                Finish::Retry { at: now.plus_seconds(pause_s(row.attempts)), error: error.message }
            }
            Err(error) => {
                tracing::warn!(
                    task.id = %row.id, task.kind = row.kind, %error, cause = ?std::error::Error::source(&error),
                    "a task failed"
                );
                self.abandon_in(&mut tx, row, &error.message).await?;
                self.note_failed_task(&mut tx, row, &error)?;
                let code = json!({"code": error.word(), "hint": error.hint, "owner": error.owner});
                Finish::Failed { error: error.message, result: Some(code) }
            }
        };
        match tx.finish_task(&task.lease, now, finish).await {
            Err(CatalogError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => {
                tx.commit().await?;
                Ok(())
            }
        }
    }

    /// Gives a task back that a worker cannot finish because it shuts down: another worker begins it at once.
    pub async fn release_task(&self, task: &ClaimedTask) -> Result<()> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let finish = Finish::Retry { at: now, error: "the worker was stopped".to_owned() };
        match tx.finish_task(&task.lease, now, finish).await {
            Err(CatalogError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => {
                tx.commit().await?;
                Ok(())
            }
        }
    }

    /// Closes what a task had begun that will not be finished.
    pub(crate) async fn abandon_in(&self, tx: &mut Tx, task: &TaskRow, reason: &str) -> Result<()> {
        let Ok(Payload { caller, work, .. }) = Payload::of(task) else { return Ok(()) };
        match work {
            Work::Capture { snapshot, .. } => {
                self.abandon_captures_in(tx, &caller, &[snapshot], reason).await
            }
            Work::GroupCapture { snapshots, .. } => {
                self.abandon_captures_in(tx, &caller, &snapshots, reason).await
            }
            work => {
                let worker_died = task.attempts > task.max_attempts;
                self.abandon_operations_in(tx, &caller, &work.operations(), reason, worker_died).await
            }
        }
    }

    async fn abandon_captures_in(
        &self,
        tx: &mut Tx,
        caller: &backstay_model::Caller,
        snapshots: &[SnapshotId],
        reason: &str,
    ) -> Result<()> {
        for id in snapshots {
            if let Some(row) = tx.snapshot(id).await?.filter(Self::is_creating) {
                self.fail_capture_in(tx, caller, &row, reason).await?;
            }
        }
        Ok(())
    }

    fn note_failed_task(&self, tx: &mut Tx, task: &TaskRow, error: &ServiceError) -> Result<()> {
        let Payload { caller, .. } = Payload::of(task)?;
        let mut event =
            self.event(&caller, "task.failed", Subject::new("task", &task.id)).ended(Outcome::Failed);
        event.tenant = task.tenant.clone();
        event.source.clone_from(&task.source);
        tx.record(event.with(json!({"kind": task.kind, "reason": error.message, "code": error.word()})));
        Ok(())
    }
}

/// The result of a task with what a person should know besides, as `warnings`.
fn with_notices(mut result: Value, notices: &[Notice]) -> Value {
    if !notices.is_empty()
        && let Value::Object(fields) = &mut result
    {
        fields.insert("warnings".to_owned(), json!(notices));
    }
    result
}

async fn row_cancelled(tx: &mut Tx, id: &TaskId) -> Result<bool> {
    Ok(tx.task(id).await?.is_some_and(|task| task.cancel_requested))
}

/// Whether the same work may succeed later. Who said how long to wait for a lock does not wait longer.
fn may_pass(error: &ServiceError, waited: bool) -> bool {
    let is_over = waited && error.kind == ErrorKind::Busy;
    !is_over && (error.kind.traits().retry || error.kind == ErrorKind::Internal)
}

/// Seconds before the next attempt.
fn pause_s(attempts: u32) -> i64 {
    5 * 3_i64.pow(attempts.saturating_sub(1).min(6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_only_what_may_pass_is_tried_again() {
        assert!((1..9).map(pause_s).is_sorted());
        assert!(may_pass(&ServiceError::new(ErrorKind::Busy, "x"), false));
        assert!(!may_pass(&ServiceError::new(ErrorKind::Busy, "x"), true));
        assert!(!may_pass(&ServiceError::conflict("x"), false));
    }
}
