//! Upgrades a dependency.

use std::path::Path;
use std::sync::Arc;

use backstay_catalog::{OperationRow, OperationState as RowState, SnapshotRow, SourceRow};
use backstay_model::{Action, Caller, ErrorKind, OperationId, SnapshotId, SourceId, TaskId, Trigger};
use backstay_process::Supervisor;
use backstay_source_workspace::{self as workspace, Applied, WorkspaceError, WorkspaceLock};

use super::found::Found;
use super::output::{Recorder, Watch};
use super::plan_upgrade::{check_request, stale};
use super::targets::Move;
use super::work::{Ended, Work, count, note};
use crate::error::{Result, ServiceError};
use crate::hooks::{Hook, Hooks};
use crate::restore::{ChangedPaths, Done, NewOperation, UpgradeDetail};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::{CaptureOf, Stored};
use crate::view::{
    NewSnapshot, PathCounts, RefCommit, RestoreRequest, Rollback, UpgradeReport, UpgradeRequest,
};

/// An upgrade that has its row, and what it was found to need.
struct Begun {
    row: OperationRow,
    request: UpgradeRequest,
    found: Found,
    moves: Vec<Move>,
    supervisor: Arc<Supervisor>,
    watch: Watch,
}

impl Service {
    /// Upgrades a dependency, or all of them, now, in this process. With the id of a plan it does exactly what that says.
    ///
    /// Lock → recovery → read → target → plan → hook → snapshot → private copy → migrations and checks → intent → **commit
    /// record** → flip → operation row and event → hook. A failure before the commit record is no error here: the report tells
    /// what failed, and that everything is as it was. An error means that nothing was begun.
    ///
    /// Errors: `Busy` with the owner; `Conflict` with code `stale_plan`; targets that are not declared or not newer.
    pub async fn upgrade_dependency(
        &self,
        caller: &Caller,
        source: &SourceId,
        request: UpgradeRequest,
        plan: Option<&str>,
        watch: Watch,
        run: &Run,
    ) -> Result<UpgradeReport> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        check_request(&request)?;
        let id = OperationId::generate(self.now(), &**self.rng());
        Box::pin(self.upgrade_as(caller, &source, id, request, plan, None, watch, run)).await
    }

    #[expect(clippy::too_many_arguments, reason = "who, what, how and who watches; used by two callers")]
    pub(super) async fn upgrade_as(
        &self,
        caller: &Caller,
        source: &SourceRow,
        id: OperationId,
        request: UpgradeRequest,
        plan: Option<&str>,
        task: Option<TaskId>,
        watch: Watch,
        run: &Run,
    ) -> Result<UpgradeReport> {
        let root = self.workspace_root(source)?;
        if !self.settings().allow_commands {
            return Err(ServiceError::new(ErrorKind::Forbidden, "Commands are disabled")
                .hint("an administrator of the server can allow them with `workspaces.allow_commands`"));
        }
        let supervisor = self
            .settings()
            .supervisor
            .clone()
            .ok_or_else(|| ServiceError::new(ErrorKind::Internal, "This program cannot run commands"))?;
        let lock = self.lock_workspace(&root, "upgrade", run).await?;
        refuse_git_at_work(&root)?;
        let recovered = self.recover_locked(caller, source, &lock).await?;
        let source = &self.read().await?.source(&source.id).await?.unwrap_or_else(|| source.clone());

        let kept = match plan {
            Some(plan) => Some(self.upgrade_plan(source, plan).await?),
            None => None,
        };
        let request = kept.as_ref().map_or(request, |kept| kept.request.clone());
        let offline = kept.is_some() || request.offline;
        let (found, moves) = self.find_moves(source, &request, offline, run).await?;
        if let Some(kept) = &kept {
            let same_moves = moves.iter().map(|planned| &planned.view).eq(&kept.moves);
            if kept.digests != found.digests || !same_moves {
                return Err(stale("the workspace or the dependency was changed since"));
            }
        }
        let mut report = report_of(&found, &moves, &request, source.state_serial);
        report.recovered = recovered.rolled_back.into_iter().chain(recovered.rolled_forward).collect();
        if moves.is_empty() {
            return Ok(report);
        }

        let hooks = self.load_hooks(source, run).await?;
        self.run_before_hook(caller, source, &hooks, Hook::BeforeUpgrade, run).await?;
        let row = self.begin_upgrade(caller, source, id, &request, &moves, plan, task).await?;
        report.operation_id = Some(row.id.clone());
        let upgrade = Begun { row, request, found, moves, supervisor, watch };
        let report = Box::pin(self.carry_out_upgrade(caller, source, &lock, upgrade, report, run)).await?;
        drop(lock);
        self.run_hooks_after_upgrade(caller, source, &hooks, &report, run).await;
        Ok(report)
    }

    /// Carries an upgrade out that has its row, and ends the row, one way or another.
    async fn carry_out_upgrade(
        &self,
        caller: &Caller,
        source: &SourceRow,
        lock: &Arc<WorkspaceLock>,
        upgrade: Begun,
        mut report: UpgradeReport,
        run: &Run,
    ) -> Result<UpgradeReport> {
        let Begun { row, request, found, moves, supervisor, watch } = upgrade;
        let root = self.workspace_root(source)?;
        let recorder = Recorder::begin(&root, &row.id, watch);
        let before = match recorder {
            Ok(recorder) => {
                self.snapshot_before(caller, source, &row, &moves, run).await.map(|it| (it, recorder))
            }
            Err(error) => Err(error),
        };
        let ((before, began_ns), recorder) = match before {
            Ok(before) => before,
            Err(error) => return self.upgrade_failed(caller, &root, &row, report, error).await,
        };
        report.snapshot_id = Some(before.id.clone());
        let work = Work {
            root: root.clone(),
            lock: Arc::clone(lock),
            operation: row.id.clone(),
            found,
            moves,
            request: request.clone(),
            before: Stored::of(&before, self.lazy_repository())?,
            snapshot: before.id.clone(),
            began_ns,
            now: self.now(),
            supervisor,
            recorder,
            run: run.clone(),
        };
        let ended: Ended = blocking("upgrade the workspace", move || Ok(work.run())).await?;
        report.steps = ended.steps;
        report.not_restored = ended.not_restored;
        match ended.result {
            Ok(applied) => {
                self.upgrade_applied(caller, source, lock, &row, &before, &request, applied, report, run)
                    .await
            }
            Err(error) => self.upgrade_failed(caller, &root, &row, report, error).await,
        }
    }

    /// `after_upgrade` when the workspace was changed, `after_rollback` when it failed and is as it was.
    async fn run_hooks_after_upgrade(
        &self,
        caller: &Caller,
        source: &SourceRow,
        hooks: &Hooks,
        report: &UpgradeReport,
        run: &Run,
    ) {
        let hook = match &report.rollback {
            None => Hook::AfterUpgrade,
            Some(rollback) if rollback.complete => Hook::AfterRollback,
            // What it is like is not known before the recovery.
            Some(_) => return,
        };
        let operation = report.operation_id.as_ref().map(ToString::to_string).unwrap_or_default();
        let variables = [("BACKSTAY_OPERATION", operation.as_str()), ("BACKSTAY_OPERATION_KIND", "upgrade")];
        self.run_after_hook(caller, source, hooks, hook, &variables, run).await;
    }

    /// The row of the operation, in one transaction with the use of the plan.
    #[expect(clippy::too_many_arguments, reason = "the parts of one row, used in this file alone")]
    async fn begin_upgrade(
        &self,
        caller: &Caller,
        source: &SourceRow,
        id: OperationId,
        request: &UpgradeRequest,
        moves: &[Move],
        plan: Option<&str>,
        task: Option<TaskId>,
    ) -> Result<OperationRow> {
        let mut tx = self.begin().await?;
        if let Some(plan) = plan {
            tx.use_plan(plan, self.now()).await.map_err(|error| match error {
                backstay_catalog::CatalogError::Conflict { found, .. } => stale(match found.as_str() {
                    "used" => "it was executed already",
                    "expired" => "it has expired",
                    _ => "the workspace was changed since",
                }),
                error => error.into(),
            })?;
        }
        let row = match tx.operation(&id).await? {
            // A worker does what was queued.
            Some(row) if row.state == RowState::Running => row,
            _ => {
                let new = NewOperation {
                    id,
                    kind: "upgrade",
                    // The snapshot of the state after it, which is taken when there is one.
                    target: SnapshotId::generate(self.now(), &**self.rng()),
                    undoes: None,
                    request: RestoreRequest::default(),
                    upgrade: Some(UpgradeDetail::of(request, moves.iter().map(|planned| &planned.view))),
                    task,
                };
                self.begin_operation_in(&mut tx, caller, source, new).await?
            }
        };
        tx.commit().await?;
        Ok(row)
    }

    /// The snapshot of the state before, and the file system's time when it was begun.
    async fn snapshot_before(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        moves: &[Move],
        run: &Run,
    ) -> Result<(SnapshotRow, i64)> {
        let root = self.workspace_root(source)?;
        let began_ns = workspace::file_system_time(&root).unwrap_or(i64::MAX);
        let of = CaptureOf { operation: Some(row.id.clone()), ..self.capture_here(Trigger::Upgrade) };
        let what: Vec<String> = moves
            .iter()
            .map(|planned| format!("{} to {}", planned.view.dependency, planned.view.to.reference))
            .collect();
        let label: String = format!("before upgrade of {}", what.join(", ")).chars().take(200).collect();
        let new = NewSnapshot { label, ..NewSnapshot::default() };
        let begun = self.begin_capture(caller, source, &of, &new).await?;
        let before = self.complete_capture(caller, source, &begun, &new, run).await?;
        let mut tx = self.begin().await?;
        tx.set_operation_snapshot(&row.id, &before.id).await?;
        tx.commit().await?;
        Ok((before, began_ns))
    }

    /// Everything is in place: the snapshot of the state after it, then **the commit point** of the record.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is known when an upgrade is done; used in this file alone"
    )]
    async fn upgrade_applied(
        &self,
        caller: &Caller,
        source: &SourceRow,
        lock: &Arc<WorkspaceLock>,
        row: &OperationRow,
        before: &SnapshotRow,
        request: &UpgradeRequest,
        applied: Applied,
        mut report: UpgradeReport,
        run: &Run,
    ) -> Result<UpgradeReport> {
        report.changed_paths = count(&applied);
        let done = Done {
            changed: true,
            safety: Some(before.id.clone()),
            paths: ChangedPaths::of_changes(&applied.changes),
            not_restored: applied.not_applied,
            recovered: false,
        };
        report.not_restored.extend(crate::restore::cannot_restore(&done.not_restored));
        let ended = self.end_upgrade(caller, source, row, &done, lock, run).await?;
        report.success = true;
        report.changed = true;
        report.state_serial = ended.serial_after.unwrap_or(report.state_serial);
        if !request.keep_snapshot && self.settings().upgrade_auto_cleanup {
            report.snapshot_id = None;
        }
        Ok(report)
    }

    /// Ends the row of an upgrade that is in place, also after an interruption.
    pub(crate) async fn end_upgrade(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        done: &Done,
        _lock: &Arc<WorkspaceLock>,
        run: &Run,
    ) -> Result<OperationRow> {
        if let Err(error) = self.snapshot_after(caller, source, row, run).await {
            tracing::warn!(operation.id = %row.id, %error, "an upgrade cannot be undone: its result was not captured");
        }
        let keep = UpgradeDetail::of_row(row)
            .is_some_and(|detail| detail.request.keep_snapshot || !self.settings().upgrade_auto_cleanup);
        let mut tx = self.begin().await?;
        let ended = self.end_operation_in(&mut tx, caller, source.kind, row, done).await?;
        if let Some(before) = done.safety.as_ref().filter(|_| !keep) {
            // From here on it is only what undo goes back to.
            tx.set_snapshot_trigger(before, Trigger::Safety).await?;
        }
        tx.commit().await?;
        self.acknowledge(source, row).await;
        Ok(ended)
    }

    /// The state after an upgrade, with which undo finds out what was edited since.
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

    /// Nothing of it has happened, or the flip is unfinished: notes which, and tells.
    async fn upgrade_failed(
        &self,
        caller: &Caller,
        root: &Path,
        row: &OperationRow,
        mut report: UpgradeReport,
        error: ServiceError,
    ) -> Result<UpgradeReport> {
        let unfinished = matches!(error.code, Some("unfinished" | "needs_recovery"));
        let state = if unfinished { RowState::NeedsRecovery } else { RowState::RolledBack };
        let noted = async {
            let mut tx = self.begin().await?;
            self.fail_operation_in(&mut tx, caller, row, state, &error.message).await?;
            tx.commit().await?;
            Ok::<(), ServiceError>(())
        };
        if let Err(error) = noted.await {
            // The next command closes it.
            tracing::warn!(operation.id = %row.id, %error, "a failed upgrade could not be closed");
        }
        let stage = root.join(".backstay/stage").join(row.id.as_str());
        let left = if unfinished {
            vec![note(".", "the change is committed and unfinished; run `backstay recover`")]
        } else if stage.symlink_metadata().is_ok() {
            vec![note(".backstay/stage", "the private copy could not be removed; the next command does it")]
        } else {
            Vec::new()
        };
        report.rollback = Some(Rollback { complete: !unfinished, restored: 0, failed: left });
        report.code = Some(error.word().to_owned());
        report.hint = error.hint.clone();
        tracing::debug!(operation.id = %row.id, cause = ?std::error::Error::source(&error), "an upgrade failed");
        report.error = Some(error.message);
        Ok(report)
    }
}

/// Before anything was done.
fn report_of(found: &Found, moves: &[Move], request: &UpgradeRequest, state_serial: u64) -> UpgradeReport {
    let current = || {
        let name = super::found::name_of(request.dependency.as_deref()?).ok()?;
        let entry = found.locked.lock.entries.get(&name)?;
        Some(RefCommit { reference: entry.reference.to_string(), commit: entry.commit.to_string() })
    };
    let only = if moves.len() == 1 { moves.first().map(|planned| &planned.view) } else { None };
    UpgradeReport {
        operation_id: None,
        dependency: only.map(|only| only.dependency.clone()).or_else(|| request.dependency.clone()),
        from: only.map_or_else(current, |only| Some(only.from.clone())),
        to: only.map_or_else(current, |only| Some(only.to.clone())),
        moves: if moves.len() > 1 {
            moves.iter().map(|planned| planned.view.clone()).collect()
        } else {
            Vec::new()
        },
        success: moves.is_empty(),
        changed: false,
        snapshot_id: None,
        state_serial,
        steps: Vec::new(),
        changed_paths: PathCounts::default(),
        rollback: None,
        not_restored: Vec::new(),
        recovered: Vec::new(),
        error: None,
        code: None,
        hint: None,
    }
}

/// Git says by this file that it is changing the index.
fn refuse_git_at_work(root: &Path) -> Result<()> {
    let path = ".git/index.lock";
    match root.join(path).symlink_metadata() {
        Ok(_) => Err(WorkspaceError::Taken { path: path.to_owned() }.into()),
        Err(_) => Ok(()),
    }
}
