//! Takes a snapshot.

use backstay_catalog::{SnapshotRow, SourceRow};
use backstay_model::{Action, Caller, SnapshotId, SourceId, TaskId, Trigger};
use serde_json::json;

use super::capture::{CaptureOf, check_new_snapshot};
use super::view::detailed;
use crate::error::{Result, ServiceError};
use crate::hooks::Hook;
use crate::run::Run;
use crate::service::Service;
use crate::tasks::Work;
use crate::view::{NewSnapshot, QueuedSnapshot, Snapshot};

/// How long the row of a queued capture waits for its worker, in seconds; each worker that takes it renews it.
const QUEUED_LEASE_S: i64 = 24 * 3600;

impl Service {
    /// Takes a snapshot of a source, now, in this process.
    ///
    /// Hooks `before_save` (under the lock; failing refuses) and `after_save` (after it).
    ///
    /// Commit point: the catalog transaction that sets `ready`. When it returns an error, the snapshot is `failed`, with
    /// the reason, and nothing else is changed. A partial snapshot is a success with `partial` set and warnings.
    ///
    /// Errors: `Busy` with the owner when the workspace is locked for longer than `run.wait`.
    pub async fn create_snapshot(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: NewSnapshot,
        run: &Run,
    ) -> Result<Snapshot> {
        let source = self.permitted_source(caller, source, Action::Capture).await?;
        check_new_snapshot(&new)?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "save", run).await?;
        self.recover_locked(caller, &source, &lock).await?;

        let hooks = self.load_hooks(&source, run).await?;
        self.run_before_hook(caller, &source, &hooks, Hook::BeforeSave, run).await?;

        let of = self.capture_here(new.trigger.unwrap_or(Trigger::Manual));
        let row = self.begin_capture(caller, &source, &of, &new).await?;
        let ready = self.complete_capture(caller, &source, &row, &new, run).await?;
        drop(lock);
        let variables = [("BACKSTAY_SNAPSHOT", ready.id.as_str())];
        self.run_after_hook(caller, &source, &hooks, Hook::AfterSave, &variables, run).await;
        detailed(&mut self.read().await?, ready, self.now()).await
    }

    /// Queues the same for a worker. The snapshot exists at once, in state `creating`.
    pub async fn queue_snapshot(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: NewSnapshot,
    ) -> Result<QueuedSnapshot> {
        let source = self.permitted_source(caller, source, Action::Capture).await?;
        check_new_snapshot(&new)?;
        self.workspace_root(&source)?;

        let now = self.now();
        let task = TaskId::generate(now, &**self.rng());
        let of = CaptureOf {
            owner: task.to_string(),
            lease_seconds: QUEUED_LEASE_S,
            ..self.capture_here(new.trigger.unwrap_or(Trigger::Manual))
        };
        let work = Work::Capture { snapshot: of.id.clone(), new: new.clone() };
        let payload = self.payload(of.id.to_string(), caller, work);
        let queued = self.new_task(task, Some(&source), &payload, None);
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&queued).await?.into_row();
        self.begin_capture_in(&mut tx, caller, &source, &of, &new).await?;
        tx.commit().await?;
        Ok(QueuedSnapshot { id: of.id, task: task.id })
    }

    /// What a worker does with [`Work::Capture`].
    pub(crate) async fn run_capture(
        &self,
        caller: &Caller,
        task: &TaskId,
        id: &SnapshotId,
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<serde_json::Value> {
        let mut read = self.read().await?;
        let row = read.snapshot(id).await?.ok_or_else(|| ServiceError::not_found("Snapshot"))?;
        let source = read.source(&row.source).await?.ok_or_else(|| ServiceError::not_found("Workspace"))?;
        drop(read);
        match row.state {
            backstay_model::SnapshotState::Creating => {}
            // The worker before this one died after the commit point.
            backstay_model::SnapshotState::Ready => return Ok(result_of(&row)),
            state => return Err(ServiceError::conflict(format!("Snapshot {id} is {state} already"))),
        }
        self.extend_lease(id, task.as_str(), QUEUED_LEASE_S).await?;
        let ready = self.run_capture_locked(caller, &source, &row, new, run).await?;
        Ok(result_of(&ready))
    }

    async fn run_capture_locked(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &SnapshotRow,
        new: &NewSnapshot,
        run: &Run,
    ) -> Result<SnapshotRow> {
        let root = self.workspace_root(source)?;
        let lock = self.lock_workspace(&root, "save", run).await?;
        self.recover_locked(caller, source, &lock).await?;
        let hooks = self.load_hooks(source, run).await?;
        self.run_before_hook(caller, source, &hooks, Hook::BeforeSave, run).await?;
        let receipt = self.capture_content(caller, source, row, new, run).await?;
        let ready = self.commit_capture(caller, row, &receipt, new.pin).await?;
        drop(lock);
        let variables = [("BACKSTAY_SNAPSHOT", ready.id.as_str())];
        self.run_after_hook(caller, source, &hooks, Hook::AfterSave, &variables, run).await;
        Ok(ready)
    }
}

fn result_of(row: &SnapshotRow) -> serde_json::Value {
    json!({"snapshot_id": row.id, "state": row.state, "partial": row.partial, "warnings": row.warning_count})
}
