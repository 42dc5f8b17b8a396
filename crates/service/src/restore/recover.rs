//! Ends what was interrupted.

use std::sync::Arc;

use backstay_catalog::{OperationRow, OperationState as RowState, SourceRow};
use backstay_model::{Action, Caller, OperationId, SourceId, TaskId};
use backstay_source_workspace::{self as workspace, Outcome, Recovered, Steps, WorkspaceLock};

use super::changed_paths::ChangedPaths;
use super::operation::Done;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::tasks::Work;
use crate::view::RecoverReport;

impl Service {
    /// Ends every unfinished operation of a workspace: forward when its commit record exists (and with `backward` back from there
    /// by an undo), else back. Closes captures whose process is gone. Changes nothing when there is nothing to end.
    pub async fn recover(
        &self,
        caller: &Caller,
        source: &SourceId,
        backward: bool,
        run: &Run,
    ) -> Result<RecoverReport> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "recover", run).await?;
        let mut report = self.recover_locked(caller, &source, &lock).await?;
        if backward {
            for id in std::mem::take(&mut report.rolled_forward) {
                self.undo_locked(caller, &source, &id, true, &lock, run).await?;
                report.rolled_back.push(id);
            }
        }
        report.closed_snapshots = self.close_dead_captures(caller, Some(&source)).await?;
        Ok(report)
    }

    /// Queues the same for a worker; its result is the report.
    pub async fn queue_recover(&self, caller: &Caller, source: &SourceId, backward: bool) -> Result<TaskId> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        self.workspace_root(&source)?;
        let work = Work::Recover { source: source.id.clone(), backward };
        self.enqueue(caller, Some(&source), source.id.to_string(), work).await
    }

    /// Ends unfinished operations under the lock of the workspace: whoever had begun them held it, so it is gone.
    pub(crate) async fn recover_locked(
        &self,
        caller: &Caller,
        source: &SourceRow,
        lock: &Arc<WorkspaceLock>,
    ) -> Result<RecoverReport> {
        let (root, held) = (self.workspace_root(source)?, Arc::clone(lock));
        let found = blocking("recover the workspace", move || {
            Ok(workspace::recover(&root, &held, &Steps::unlimited())?)
        })
        .await?;
        let mut report = RecoverReport::default();
        for recovered in found {
            self.close_recovered(source, &recovered, lock).await?;
            match recovered.outcome {
                Outcome::RolledForward => report.rolled_forward.push(recovered.operation),
                Outcome::RolledBack => report.rolled_back.push(recovered.operation),
            }
        }
        for row in self.read().await?.open_operations(&source.id).await? {
            if self.close_uncommitted(caller, source, &row, lock, false).await? {
                report.rolled_back.push(row.id);
            }
        }
        Ok(report)
    }

    /// Tells the catalog how an operation of the journal ended, then the journal that the catalog knows.
    async fn close_recovered(
        &self,
        source: &SourceRow,
        recovered: &Recovered,
        lock: &Arc<WorkspaceLock>,
    ) -> Result<()> {
        let caller = Caller::system("recovery");
        let upgrade = self.read().await?.operation(&recovered.operation).await?.filter(is_open);
        let is_upgrade = recovered.kind == "upgrade" && recovered.outcome == Outcome::RolledForward;
        let upgrade = upgrade.filter(|row| row.kind == "upgrade");
        if let Some(row) = upgrade.as_ref().filter(|_| !is_upgrade) {
            // Its journal is of the way back, or nothing of it was committed.
            self.acknowledge(source, row).await;
            self.close_uncommitted(&caller, source, row, lock, true).await?;
            return Ok(());
        }
        if let Some(row) = upgrade {
            let done = Done {
                changed: true,
                safety: recovered.safety_snapshot.clone(),
                paths: ChangedPaths::from_json(&recovered.detail),
                not_restored: recovered.not_restored.clone(),
                recovered: true,
            };
            Box::pin(self.end_upgrade(&caller, source, &row, done, &Run::default())).await?;
            return Ok(());
        }
        // A restore keeps no list; undo compares its two snapshots.
        let mut paths = ChangedPaths::from_json(&recovered.detail);
        let row = self.read().await?.operation(&recovered.operation).await?.filter(is_open);
        if let Some(row) = row.as_ref().filter(|_| paths.git().is_some()) {
            paths = self.look_at_result(source, row, paths).await?;
        }
        let mut tx = self.begin().await?;
        if let Some(row) = row {
            match recovered.outcome {
                Outcome::RolledForward => {
                    let done = Done {
                        changed: true,
                        safety: recovered.safety_snapshot.clone(),
                        paths,
                        not_restored: recovered.not_restored.clone(),
                        recovered: true,
                    };
                    self.end_operation_in(&mut tx, &caller, source.kind, &row, &done).await?;
                }
                Outcome::RolledBack => {
                    let reason = "interrupted before its commit record; nothing was changed";
                    self.fail_operation_in(&mut tx, &caller, &row, RowState::RolledBack, reason).await?;
                }
            }
            tx.commit().await?;
        } else {
            tx.roll_back().await;
        }
        let (root, id) = (self.workspace_root(source)?, recovered.operation.clone());
        blocking("close the journal", move || Ok(workspace::acknowledge(&root, &id)?)).await
    }

    /// Closes an operation without a commit record: it changed nothing, or worked in place and is taken back. One that has
    /// not begun is left alone while a task is still to do it.
    async fn close_uncommitted(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        lock: &Arc<WorkspaceLock>,
        is_journaled: bool,
    ) -> Result<bool> {
        let rollback = Box::pin(self.take_back_in_place(caller, source, row, lock)).await?;
        if let Some(rollback) = rollback.as_ref().filter(|rollback| !rollback.complete) {
            let left: Vec<&str> = rollback.failed.iter().map(|left| left.path.as_str()).take(5).collect();
            let why = rollback.failed.first().map_or("", |left| left.reason.as_str());
            let message = format!("Operation {} cannot be taken back: {}: {why}", row.id, left.join(", "));
            return Err(ServiceError::conflict(message).code("needs_recovery"));
        }
        let mut tx = self.begin().await?;
        let waits = match row.task.as_ref().filter(|_| !is_journaled && rollback.is_none()) {
            Some(task) => tx.task(task).await?.is_some_and(|task| !task.state.is_final()),
            None => false,
        };
        let open = tx.operation(&row.id).await?.is_some_and(|row| is_open(&row));
        if waits || !open {
            tx.roll_back().await;
            return Ok(false);
        }
        let (state, reason) = match (rollback, row.kind.as_str()) {
            (Some(_), _) => (RowState::RolledBack, "interrupted; what it had changed is put back"),
            (None, "upgrade") => {
                (RowState::RolledBack, "interrupted before its commit record; nothing was changed")
            }
            (None, "run") => (RowState::Failed, "interrupted; what its commands did stays"),
            (None, _) => (RowState::Failed, "interrupted before it changed anything"),
        };
        self.fail_operation_in(&mut tx, caller, row, state, reason).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends, by the journal, the operations of a task whose worker has died. Returns whether all of them are done.
    pub(crate) async fn recover_operations(&self, operations: &[OperationId], run: &Run) -> Result<bool> {
        let caller = Caller::system("recovery");
        let mut done = true;
        for id in operations {
            let Some(row) = self.read().await?.operation(id).await? else { continue };
            if is_open(&row) {
                self.recover(&caller, &row.source, false, run).await?;
            }
            let row = self.read().await?.operation(id).await?;
            done &= row.is_some_and(|row| row.state == RowState::Done);
        }
        Ok(done)
    }
}

fn is_open(row: &OperationRow) -> bool {
    matches!(row.state, RowState::Running | RowState::NeedsRecovery)
}
