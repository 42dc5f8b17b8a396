//! Restores and operations.

use backstay_api::operation::{Operation, OperationState};
use backstay_api::restore::{CannotRestore, RestorePlan};
use backstay_service::view;

use super::{change, change_summary};

/// A plan.
pub fn restore_plan(from: view::RestorePlan) -> RestorePlan {
    RestorePlan {
        plan_id: from.id,
        snapshot_id: from.snapshot.into(),
        workspace_id: from.source.into(),
        state_serial: from.state_serial,
        expires_at: from.expires_at,
        summary: change_summary(from.summary),
        changes: from.changes.into_iter().map(change).collect(),
        truncated: from.truncated,
        cannot_restore: from.cannot_restore.into_iter().map(cannot_restore).collect(),
    }
}

pub(super) fn cannot_restore(from: view::CannotRestore) -> CannotRestore {
    CannotRestore { path: from.path, reason: from.reason }
}

/// An operation.
pub fn operation(from: view::Operation) -> Operation {
    Operation {
        id: from.id.into(),
        kind: from.kind,
        state: operation_state(from.state),
        workspace_id: from.source.into(),
        serial_before: from.serial_before,
        serial_after: from.serial_after,
        snapshot_id: from.snapshot.map(Into::into),
        changed_paths: from.changed.map(change_summary),
        not_restored: from.not_restored.into_iter().map(cannot_restore).collect(),
        actor: from.actor.into(),
        started_at: from.started_at,
        finished_at: from.finished_at,
        error: from.error,
        task_id: from.task.map(Into::into),
    }
}

/// The state of an operation.
pub fn operation_state(from: view::OperationState) -> OperationState {
    match from {
        view::OperationState::Running => OperationState::Running,
        view::OperationState::Done => OperationState::Done,
        view::OperationState::Failed => OperationState::Failed,
        view::OperationState::RolledBack => OperationState::RolledBack,
        view::OperationState::NeedsRecovery => OperationState::NeedsRecovery,
    }
}
