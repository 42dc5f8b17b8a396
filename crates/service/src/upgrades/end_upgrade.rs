//! Ends the record of an upgrade.

use backstay_catalog::{OperationRow, OperationState as RowState, SnapshotRow, SourceRow};
use backstay_model::{Caller, Trigger};
use backstay_source_workspace::Applied;

use super::upgrade_dependency::Outcomes;
use super::work::count;
use crate::error::{Result, ServiceError};
use crate::restore::{ChangedPaths, Done, UpgradeDetail};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::CaptureOf;
use crate::view::{NewSnapshot, Rollback, UpgradeReport};

impl Service {
    /// Everything is in place: what undo needs to know of it, then **the commit point** of the record.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is known when an upgrade is done; used by one caller alone"
    )]
    pub(super) async fn upgrade_applied(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        before: &SnapshotRow,
        applied: Applied,
        mut report: UpgradeReport,
        run: &Run,
    ) -> Result<Outcomes> {
        report.changed_paths = count(&applied);
        let done = Done {
            changed: true,
            safety: Some(before.id.clone()),
            paths: ChangedPaths::of_changes(&applied.changes),
            not_restored: applied.not_applied,
            recovered: false,
        };
        report.not_restored.extend(crate::restore::cannot_restore(&done.not_restored));
        let ended = self.end_upgrade(caller, source, row, done, run).await?;
        report.success = true;
        report.changed = true;
        report.state_serial = ended.serial_after.unwrap_or(report.state_serial);
        if !self.keeps_snapshot(row) {
            report.snapshot_id = None;
        }
        Ok(Outcomes { report, error: None })
    }

    /// Ends the row of an upgrade that is in place, also after an interruption.
    pub(crate) async fn end_upgrade(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        mut done: Done,
        run: &Run,
    ) -> Result<OperationRow> {
        self.forget_in_place(source, row);
        done.paths = self.look_at_result(source, row, done.paths).await?;
        if !done.paths.is_looked_at()
            && let Err(error) = self.snapshot_after(caller, source, row, run).await
        {
            tracing::warn!(operation.id = %row.id, %error, "an upgrade cannot be undone: its result was not captured");
        }
        let mut tx = self.begin().await?;
        let ended = self.end_operation_in(&mut tx, caller, source.kind, row, &done).await?;
        if let Some(before) = done.safety.as_ref().filter(|_| !self.keeps_snapshot(row)) {
            // From here on it is only what undo goes back to.
            tx.set_snapshot_trigger(before, Trigger::Safety).await?;
        }
        tx.commit().await?;
        self.acknowledge(source, row).await;
        Ok(ended)
    }

    /// Looks what an operation left at the paths that it changed, so that undo can tell what was edited since. Without that it
    /// needs `--force`.
    pub(crate) async fn look_at_result(
        &self,
        source: &SourceRow,
        row: &OperationRow,
        paths: ChangedPaths,
    ) -> Result<ChangedPaths> {
        let (root, id) = (self.workspace_root(source)?, row.id.clone());
        blocking("look at what was changed", move || {
            let mut looked = paths;
            if let Err(error) = looked.look(&root, &id) {
                tracing::warn!(operation.id = %id, %error, "what an operation left is not noted");
            }
            Ok(looked)
        })
        .await
    }

    /// Whether the snapshot of the state before stays one after a success.
    fn keeps_snapshot(&self, row: &OperationRow) -> bool {
        !self.settings().upgrade_auto_cleanup
            || UpgradeDetail::of_row(row).is_some_and(|detail| detail.request.keep_snapshot)
    }

    /// The state after an upgrade of more paths than are kept by name, with which undo finds them and what was edited since.
    async fn snapshot_after(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        run: &Run,
    ) -> Result<()> {
        let Some(id) = row.target.clone() else { return Ok(()) };
        if self.read().await?.snapshot(&id).await?.is_some() {
            return Ok(());
        }
        let of = CaptureOf { id, operation: Some(row.id.clone()), ..self.capture_here(Trigger::Safety) };
        let new = NewSnapshot {
            label: format!("after upgrade {}", row.id),
            allow_unreadable: true,
            ..NewSnapshot::default()
        };
        // What is in place stays in place, whoever interrupts.
        let run = Run { cancel: backstay_repository::Cancel::new(), ..run.clone() };
        let begun = self.begin_capture(caller, source, &of, &new).await?;
        self.complete_capture(caller, source, &begun, &new, &run).await?;
        Ok(())
    }

    /// After an error that tells nothing of the workspace: the next recovery finds out, by the journal.
    pub(super) async fn upgrade_left_open(
        &self,
        caller: &Caller,
        row: &OperationRow,
        error: ServiceError,
    ) -> ServiceError {
        self.note_failure(caller, row, RowState::NeedsRecovery, &error.message).await;
        error.hint("run `backstay recover`")
    }

    /// Nothing of it has happened, or the flip is unfinished, or something is not as it was: notes which, and tells.
    pub(super) async fn upgrade_failed(
        &self,
        caller: &Caller,
        row: &OperationRow,
        mut report: UpgradeReport,
        rollback: Rollback,
        error: ServiceError,
    ) -> Outcomes {
        let is_in_place = UpgradeDetail::of_row(row).is_some_and(|detail| detail.request.in_place);
        let state = if rollback.complete {
            RowState::RolledBack
        } else if error.is_unfinished() || is_in_place {
            // The next recovery can do more.
            RowState::NeedsRecovery
        } else {
            RowState::Failed
        };
        let mut row = row.clone();
        row.not_restored =
            serde_json::to_value(rollback.failed.iter().chain(&report.not_restored).collect::<Vec<_>>())
                .expect("texts can be written as JSON");
        self.note_failure(caller, &row, state, &error.message).await;
        report.rollback = Some(rollback);
        report.code = Some(error.word().to_owned());
        report.hint = error.hint.clone();
        if state == RowState::NeedsRecovery {
            report.hint = Some("run `backstay recover`".to_owned());
        }
        tracing::debug!(operation.id = %row.id, cause = ?std::error::Error::source(&error), "an upgrade failed");
        report.error = Some(error.message.clone());
        Outcomes { report, error: Some(error) }
    }
}
