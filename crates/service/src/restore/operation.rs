//! Operations as the catalog keeps them and as callers see them.

use backstay_catalog::{OperationEnd, OperationRow, OperationState as RowState, SourceRow, Tx};
use backstay_model::{Action, Caller, OperationId, Outcome, SnapshotId, Subject, TaskId};
use backstay_source as source;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::changed_paths::ChangedPaths;
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};
use crate::view::{
    CannotRestore, Operation, OperationState, RefCommit, RestoreRequest, UpgradeMove, UpgradeRequest,
};

/// What an operation is to do.
#[derive(Debug, Clone)]
pub(crate) struct NewOperation {
    pub(crate) id: OperationId,
    /// `restore`, `undo`, `upgrade`, `run`, or what is done to dependencies without their commands, for example `apply`.
    pub(crate) kind: &'static str,
    /// The snapshot that is put back; `None` when none is.
    pub(crate) target: Option<SnapshotId>,
    /// The operation that is undone.
    pub(crate) undoes: Option<OperationId>,
    /// What was asked for.
    pub(crate) request: RestoreRequest,
    /// What it moves, when it upgrades dependencies or undoes that.
    pub(crate) upgrade: Option<UpgradeDetail>,
    /// The task that does it.
    pub(crate) task: Option<TaskId>,
}

/// The particulars of an operation as they are stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Detail {
    pub(super) request: RestoreRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) upgrade: Option<UpgradeDetail>,
}

/// What an upgrade moves, as it is stored with its operation; of its undo, the way back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct UpgradeDetail {
    pub(crate) request: UpgradeRequest,
    pub(crate) moves: Vec<StoredMove>,
}

/// One dependency and its two commits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredMove {
    pub(crate) dependency: String,
    pub(crate) from: RefCommit,
    pub(crate) to: RefCommit,
}

impl UpgradeDetail {
    pub(crate) fn of<'a>(request: &UpgradeRequest, moves: impl Iterator<Item = &'a UpgradeMove>) -> Self {
        let stored = |planned: &UpgradeMove| StoredMove {
            dependency: planned.dependency.clone(),
            from: planned.from.clone(),
            to: planned.to.clone(),
        };
        Self { request: request.clone(), moves: moves.map(stored).collect() }
    }

    /// What the operation of a row moves; `None` when it moves nothing.
    pub(crate) fn of_row(row: &OperationRow) -> Option<Self> {
        serde_json::from_value::<Detail>(row.detail.clone()).unwrap_or_default().upgrade
    }

    /// The way back.
    pub(crate) fn reversed(&self) -> Self {
        let back = |stored: &StoredMove| StoredMove {
            dependency: stored.dependency.clone(),
            from: stored.to.clone(),
            to: stored.from.clone(),
        };
        Self { request: self.request.clone(), moves: self.moves.iter().rev().map(back).collect() }
    }
}

impl Service {
    /// Adds the row of an operation that begins.
    pub(crate) async fn begin_operation_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        source: &SourceRow,
        new: NewOperation,
    ) -> Result<OperationRow> {
        let serial = tx.source(&source.id).await?.map_or(source.state_serial, |row| row.state_serial);
        let detail = Detail { request: new.request, upgrade: new.upgrade };
        let row = OperationRow {
            seq: 0,
            id: new.id,
            tenant: source.tenant.clone(),
            source: source.id.clone(),
            kind: new.kind.to_owned(),
            state: RowState::Running,
            serial_before: serial,
            serial_after: None,
            snapshot: None,
            target: new.target,
            undoes: new.undoes,
            changed_paths: json!({}),
            not_restored: json!([]),
            detail: serde_json::to_value(detail).expect("texts can be written as JSON"),
            error: None,
            actor: caller.actor.clone(),
            task: new.task,
            created_at: self.now(),
            finished_at: None,
        };
        tx.insert_operation(&row).await?;
        let event = self.event(caller, "operation.started", Subject::new("operation", &row.id));
        tx.record(event.of_source(&row.tenant, source.kind, &row.source).with(json!({
            "kind": row.kind, "target": row.target, "undoes": row.undoes,
        })));
        Ok(row)
    }

    /// Ends an operation that changed the workspace: **the commit point** of its record; counts the change.
    pub(crate) async fn end_operation_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        kind: backstay_model::Kind,
        row: &OperationRow,
        done: &Done,
    ) -> Result<OperationRow> {
        let now = self.now();
        let serial_after = if done.changed { Some(tx.advance_source(&row.source, now).await?) } else { None };
        let end = OperationEnd {
            state: RowState::Done,
            serial_after,
            snapshot: done.safety.clone(),
            changed_paths: done.paths.to_json(),
            not_restored: not_restored_json(&done.not_restored),
            error: None,
            at: now,
        };
        let ended = tx.finish_operation(&row.id, &end).await?;
        let (action, subject) = match (row.kind.as_str(), &row.target) {
            ("upgrade", _) => ("dependency.upgraded", Subject::new("operation", &row.id)),
            ("run", _) => ("command.ran", Subject::new("operation", &row.id)),
            (_, Some(target)) => ("snapshot.restored", Subject::new("snapshot", target)),
            (_, None) => ("dependency.changed", Subject::new("operation", &row.id)),
        };
        let target = match &row.target {
            Some(target) => tx.snapshot(target).await?,
            None => None,
        };
        let event = self.event(caller, action, subject);
        tx.record(event.of_source(&row.tenant, kind, &row.source).with(json!({
            "name": target.as_ref().map(|target| target.label.as_deref().unwrap_or(target.id.as_str())),
            "size_bytes": target.as_ref().map(|target| target.logical_bytes),
            "trigger": target.as_ref().map(|target| target.trigger),
            "operation": row.id,
            "kind": row.kind,
            "undoes": row.undoes,
            "safety_snapshot": ended.snapshot,
            "state_serial": serial_after,
            "changed": done.paths.summary,
            "not_restored": done.not_restored.len(),
            "recovered": done.recovered,
            "moves": UpgradeDetail::of_row(row).map(|detail| detail.moves),
        })));
        Ok(ended)
    }

    /// Ends an operation that changed nothing, or whose end is not known yet.
    pub(crate) async fn fail_operation_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &OperationRow,
        state: RowState,
        reason: &str,
    ) -> Result<OperationRow> {
        let end = OperationEnd {
            state,
            serial_after: None,
            snapshot: None,
            changed_paths: row.changed_paths.clone(),
            not_restored: row.not_restored.clone(),
            error: Some(reason.to_owned()),
            at: self.now(),
        };
        let ended = tx.finish_operation(&row.id, &end).await?;
        let mut event = self.event(caller, "operation.failed", Subject::new("operation", &row.id));
        event.tenant = row.tenant.clone();
        event.source = Some(row.source.clone());
        tx.record(
            event
                .ended(Outcome::Failed)
                .with(json!({"kind": row.kind, "reason": reason, "state": state.as_str()})),
        );
        Ok(ended)
    }

    /// The same in a transaction of its own. Why the operation failed is what counts, so when that cannot be noted, the next
    /// command that locks the workspace closes it.
    pub(crate) async fn note_failure(
        &self,
        caller: &Caller,
        row: &OperationRow,
        state: RowState,
        reason: &str,
    ) {
        let noted = async {
            let mut tx = self.begin().await?;
            self.fail_operation_in(&mut tx, caller, row, state, reason).await?;
            tx.commit().await?;
            Ok::<(), ServiceError>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(operation.id = %row.id, %error, "a failed operation could not be closed");
        }
    }

    /// Closes operations of a task that will not be done. What a dead worker left may have a journal, so that is decided by the
    /// next command that locks the workspace.
    pub(crate) async fn abandon_operations_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        operations: &[OperationId],
        reason: &str,
        worker_died: bool,
    ) -> Result<()> {
        for id in operations {
            if let Some(row) = tx.operation(id).await?
                && row.state == RowState::Running
            {
                let state = if worker_died { RowState::NeedsRecovery } else { RowState::Failed };
                self.fail_operation_in(tx, caller, &row, state, reason).await?;
            }
        }
        Ok(())
    }

    /// The operation with this id, when the caller may do `action`.
    pub(super) async fn permitted_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
        action: Action,
    ) -> Result<OperationRow> {
        let mut read = self.read().await?;
        let row = read.operation(id).await?.ok_or_else(|| {
            ServiceError::not_found("Operation").hint("`backstay undo --list` shows those that can be undone")
        })?;
        let kind = read.source(&row.source).await?.map(|source| source.kind);
        drop(read);
        let subject = Subject::new("operation", id);
        if !caller.sees(&row.tenant) {
            self.note_denied(caller, &subject, json!({"wanted": action, "reason": "another tenant"})).await?;
            return Err(ServiceError::not_found("Operation"));
        }
        self.permit(caller, kind, action, &subject).await?;
        Ok(row)
    }
}

/// How an operation that was carried out ended.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Whether the workspace was changed.
    pub(crate) changed: bool,
    /// The safety snapshot.
    pub(crate) safety: Option<SnapshotId>,
    /// Which paths it changed.
    pub(crate) paths: ChangedPaths,
    /// What it could not put back.
    pub(crate) not_restored: Vec<source::CannotRestore>,
    /// Whether it was finished after an interruption.
    pub(crate) recovered: bool,
}

/// What was asked for, as it is stored.
pub(super) fn request_of(row: &OperationRow) -> RestoreRequest {
    serde_json::from_value::<Detail>(row.detail.clone()).unwrap_or_default().request
}

pub(crate) fn cannot_restore(notes: &[source::CannotRestore]) -> Vec<CannotRestore> {
    notes
        .iter()
        .map(|note| CannotRestore {
            path: String::from_utf8_lossy(&note.path).into_owned(),
            reason: note.reason.clone(),
        })
        .collect()
}

fn not_restored_json(notes: &[source::CannotRestore]) -> serde_json::Value {
    const MOST: usize = 1000;
    let kept = &notes[..notes.len().min(MOST)];
    serde_json::to_value(cannot_restore(kept)).expect("texts can be written as JSON")
}

/// An operation as callers see it.
pub(super) fn view(row: OperationRow) -> Operation {
    let changed = ChangedPaths::from_json(&row.changed_paths).summary;
    Operation {
        id: row.id,
        kind: row.kind,
        state: match row.state {
            RowState::Running => OperationState::Running,
            RowState::Done => OperationState::Done,
            RowState::Failed => OperationState::Failed,
            RowState::RolledBack => OperationState::RolledBack,
            RowState::NeedsRecovery => OperationState::NeedsRecovery,
        },
        source: row.source,
        tenant: row.tenant,
        serial_before: row.serial_before,
        serial_after: row.serial_after,
        snapshot: row.snapshot,
        changed: (row.state == RowState::Done).then_some(changed),
        not_restored: serde_json::from_value(row.not_restored).unwrap_or_default(),
        actor: row.actor,
        started_at: row.created_at,
        finished_at: row.finished_at,
        error: row.error,
        task: row.task,
    }
}
