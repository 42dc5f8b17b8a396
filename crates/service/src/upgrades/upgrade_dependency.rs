//! Upgrades a dependency.

use std::sync::Arc;

use backstay_catalog::{CatalogError, OperationRow, SnapshotRow, SourceRow};
use backstay_model::{
    Action, Caller, ErrorKind, OperationId, Outcome, SnapshotId, SourceId, Subject, Trigger,
};
use backstay_process::Supervisor;
use backstay_source_workspace::{self as workspace, WorkspaceLock};
use tokio::sync::mpsc::unbounded_channel;

use super::found::Found;
use super::output::{Recorder, Watch};
use super::plan_upgrade::{PlanBody, check_request, stale};
use super::steps::{StepNote, receive_steps};
use super::targets::Move;
use super::work::{Work, note};
use crate::dependencies::wait_for_git;
use crate::error::{Result, ServiceError};
use crate::hooks::{Hook, Hooks};
use crate::restore::{NewOperation, UpgradeDetail};
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::{CaptureOf, Stored};
use crate::view::{
    NewSnapshot, PathCounts, RefCommit, RestoreRequest, Rollback, UpgradeEvent, UpgradeReport, UpgradeRequest,
};

/// An upgrade that somebody wants.
pub(super) enum Wanted {
    /// This one, now.
    Request(UpgradeRequest),
    /// What the plan with this id says, now.
    Plan(String, PlanBody),
    /// What was queued: the plan is used up, and the operation has its row.
    Queued(Box<OperationRow>, PlanBody),
}

/// How an upgrade ended.
pub(super) struct Outcomes {
    pub(super) report: UpgradeReport,
    /// Why it failed.
    pub(super) error: Option<ServiceError>,
}

/// An upgrade that has its row, and what it was found to need.
struct Begun {
    row: OperationRow,
    /// The row of the snapshot of the state before.
    capture: SnapshotRow,
    request: UpgradeRequest,
    fetched: bool,
    found: Found,
    moves: Vec<Move>,
    supervisor: Arc<Supervisor>,
    recorder: Arc<Recorder>,
}

impl Service {
    /// Upgrades a dependency, or all of them, now, in this process. With the id of a plan it does exactly what that says.
    ///
    /// Lock → recovery → read → target → plan → hook → snapshot → private copy → migrations and checks → intent → **commit
    /// record** → flip → operation row and event → hook. A failure before the commit record is no error here: the report tells
    /// what failed, and whether everything is as it was. An error means that nothing was begun.
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
        let wanted = match plan {
            Some(plan) => Wanted::Plan(plan.to_owned(), self.upgrade_plan(&source, plan).await?),
            None => Wanted::Request(request),
        };
        Ok(Box::pin(self.upgrade_as(caller, &source, wanted, watch, run)).await?.report)
    }

    pub(super) async fn upgrade_as(
        &self,
        caller: &Caller,
        source: &SourceRow,
        wanted: Wanted,
        watch: Watch,
        run: &Run,
    ) -> Result<Outcomes> {
        let root = self.workspace_root(source)?;
        self.refuse_commands()?;
        let supervisor = self.settings().supervisor.clone();
        let supervisor = supervisor
            .ok_or_else(|| ServiceError::new(ErrorKind::Internal, "This program cannot run commands"))?;
        let lock = self.lock_workspace(&root, "upgrade", run).await?;
        let recovered = self.recover_locked(caller, source, &lock).await?;
        let recovered: Vec<OperationId> =
            recovered.rolled_back.into_iter().chain(recovered.rolled_forward).collect();
        for operation in &recovered {
            watch.tell(&UpgradeEvent::Recovered { operation: operation.clone() });
        }
        wait_for_git(&root, run).await?;
        self.refuse_foreign_paths(caller, source, &root, None).await?;
        let source = &self.read().await?.source(&source.id).await?.unwrap_or_else(|| source.clone());

        let (request, body) = match &wanted {
            Wanted::Request(request) => (request.clone(), None),
            Wanted::Plan(_, body) | Wanted::Queued(_, body) => (body.request.clone(), Some(body)),
        };
        if let Wanted::Queued(row, _) = &wanted
            && row.serial_before != source.state_serial
        {
            return Err(stale("the workspace was changed since"));
        }
        let offline = body.is_some() || request.offline;
        let (found, moves) = self.find_moves(source, &request, offline, run).await?;
        if let Some(body) = body {
            let same_moves = moves.iter().map(|planned| &planned.view).eq(&body.moves);
            if body.digests != found.digests || !same_moves {
                return Err(stale("the workspace or the dependency was changed since"));
            }
        }
        let mut report = report_of(&found, &moves, &request, source.state_serial);
        report.recovered.clone_from(&recovered);
        if moves.is_empty() {
            return Ok(Outcomes { report, error: None });
        }

        let hooks = self.load_hooks(source, run).await?;
        self.run_before_hook(caller, source, &hooks, Hook::BeforeUpgrade, run).await?;
        let id = match &wanted {
            Wanted::Queued(row, _) => row.id.clone(),
            _ => OperationId::generate(self.now(), &**self.rng()),
        };
        let recorder = Arc::new(Recorder::begin(&root, &id, watch)?);
        let (row, capture) = self.begin_upgrade(caller, source, id, wanted, &request, &moves).await?;
        report.operation_id = Some(row.id.clone());
        for operation in recovered {
            recorder.keep(&UpgradeEvent::Recovered { operation });
        }
        let recorded = Arc::clone(&recorder);
        let upgrade =
            Begun { row, capture, request, fetched: !offline, found, moves, supervisor, recorder: recorded };
        let begun = upgrade.row.clone();
        let carried = Box::pin(self.carry_out_upgrade(caller, source, &lock, upgrade, report, run)).await;
        let outcomes = match carried {
            Ok(outcomes) => outcomes,
            Err(error) => return Err(self.upgrade_left_open(caller, &begun, error).await),
        };
        recorder.tell(&UpgradeEvent::Finished { report: Box::new(outcomes.report.clone()) });
        self.forget_undo_points(source).await;
        drop(lock);
        self.run_hooks_after_upgrade(caller, source, &hooks, &outcomes.report, run).await;
        Ok(outcomes)
    }

    /// Refuses where commands that a workspace declares may not be run.
    pub(crate) fn refuse_commands(&self) -> Result<()> {
        if self.settings().allow_commands {
            return Ok(());
        }
        Err(ServiceError::new(ErrorKind::Forbidden, "Commands are disabled")
            .hint("an administrator of the server can allow them with `allow_commands`"))
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
    ) -> Result<Outcomes> {
        let root = self.workspace_root(source)?;
        let Begun { row, capture, request, fetched, found, moves, supervisor, recorder } = upgrade;
        let (before, stored, began_ns) = match self.snapshot_before(caller, source, &row, &capture, run).await
        {
            Ok(before) => before,
            Err(error) => {
                return Ok(self
                    .upgrade_failed(caller, &row, report, Rollback::nothing_changed(), error)
                    .await);
            }
        };
        report.snapshot_id = Some(before.id.clone());
        let work = Work {
            root,
            lock: Arc::clone(lock),
            operation: row.id.clone(),
            found,
            moves,
            request,
            fetched,
            before: stored,
            snapshot: before.id.clone(),
            repository: self.repository_directory().cloned(),
            began_ns,
            now: self.now(),
            supervisor,
            recorder,
            run: run.clone(),
        };
        let (notes, mut noted) = unbounded_channel();
        let working = blocking("upgrade the workspace", move || {
            let (ended, result) = work.run(&notes);
            Ok((work, ended, result))
        });
        let noting = async {
            let mut steps = Vec::new();
            while receive_steps(&mut noted, &mut steps).await {
                self.note_steps(caller, source, &row, std::mem::take(&mut steps)).await;
            }
        };
        let (worked, ()) = tokio::join!(working, noting);
        let (work, mut ended, result) = worked?;
        report.steps = std::mem::take(&mut ended.steps);
        report.not_staged = ended.not_staged;
        if let Some(tree) = ended.failed_tree.take() {
            // Whoever cancelled asked for it all the same.
            let run = Run { cancel: backstay_repository::Cancel::new(), ..run.clone() };
            match self.keep_tree(caller, source, &row, tree.clone(), "as a command left it", &run).await {
                Ok(id) => report.failed_snapshot_id = Some(id),
                Err(error) => ended.not_restored.push(note("(failed tree)", &error.message)),
            }
            if tree != work.root {
                // The next recovery removes what is left.
                blocking("remove the failed tree", move || Ok(std::fs::remove_dir_all(tree).ok())).await?;
            }
        }
        match result {
            Ok(applied) => {
                report.not_restored = ended.not_restored;
                self.upgrade_applied(caller, source, &row, &before, applied, report, run).await
            }
            Err(error) => {
                let (not_restored, rollback, error) = blocking("look at the workspace", move || {
                    let rollback = work.look_back(&mut ended, &error);
                    Ok((ended.not_restored, rollback, error))
                })
                .await?;
                report.not_restored = not_restored;
                Ok(self.upgrade_failed(caller, &row, report, rollback, error).await)
            }
        }
    }

    /// Every command is told by two events; those that are there together are written together. An operation does not fail
    /// because the log cannot be written just then.
    pub(crate) async fn note_steps(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        steps: Vec<StepNote>,
    ) {
        let noted = async {
            let mut tx = self.begin().await?;
            for step in steps {
                let event = self
                    .event(caller, step.action, Subject::new("operation", &row.id))
                    .of_source(&source.tenant, source.kind, &source.id)
                    .ended(if step.failed { Outcome::Failed } else { Outcome::Ok });
                tx.record(event.with(step.data));
            }
            tx.commit().await?;
            Ok::<(), ServiceError>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(operation.id = %row.id, %error, "a step is not in the log");
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

    /// The row of the operation and that of the snapshot of the state before, in one transaction with the use of the plan.
    async fn begin_upgrade(
        &self,
        caller: &Caller,
        source: &SourceRow,
        id: OperationId,
        wanted: Wanted,
        request: &UpgradeRequest,
        moves: &[Move],
    ) -> Result<(OperationRow, SnapshotRow)> {
        let of = CaptureOf { operation: Some(id.clone()), ..self.capture_here(Trigger::Upgrade) };
        let before = NewSnapshot { label: label_of(moves), ..NewSnapshot::default() };
        let mut tx = self.begin().await?;
        if let Wanted::Queued(row, _) = wanted {
            let capture = self.begin_capture_in(&mut tx, caller, source, &of, &before).await?;
            tx.commit().await?;
            return Ok((*row, capture));
        }
        if let Wanted::Plan(plan, _) = &wanted {
            tx.use_plan(plan, self.now()).await.map_err(unusable)?;
        }
        let new = NewOperation {
            id,
            kind: "upgrade",
            // The snapshot of the state after it, which is taken when there is no other way to tell what undo touches.
            target: Some(SnapshotId::generate(self.now(), &**self.rng())),
            undoes: None,
            request: RestoreRequest::default(),
            upgrade: Some(UpgradeDetail::of(request, moves.iter().map(|planned| &planned.view))),
            task: None,
        };
        let row = self.begin_operation_in(&mut tx, caller, source, new).await?;
        let capture = self.begin_capture_in(&mut tx, caller, source, &of, &before).await?;
        tx.commit().await?;
        Ok((row, capture))
    }

    /// The snapshot of the state before, its content, and the file system's time when it was begun.
    async fn snapshot_before(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        capture: &SnapshotRow,
        run: &Run,
    ) -> Result<(SnapshotRow, Stored, i64)> {
        let root = self.workspace_root(source)?;
        let began_ns = workspace::file_system_time(&root).unwrap_or(i64::MAX);
        let new = NewSnapshot::default();
        let before = self.complete_capture(caller, source, capture, &new, run).await?;
        let mut tx = self.begin().await?;
        tx.set_operation_snapshot(&row.id, &before.id).await?;
        tx.commit().await?;
        let stored = Stored::of(&before, self.lazy_repository())?;
        Ok((before, stored, began_ns))
    }
}

/// What the snapshot of the state before is called.
fn label_of(moves: &[Move]) -> String {
    let what: Vec<String> = moves
        .iter()
        .map(|planned| format!("{} to {}", planned.view.dependency, planned.view.to.reference))
        .collect();
    format!("before upgrade of {}", what.join(", ")).chars().take(200).collect()
}

/// Why a plan cannot be used up.
pub(super) fn unusable(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::Conflict { found, .. } => stale(match found.as_str() {
            "used" => "it was executed already",
            "expired" => "it has expired",
            _ => "the workspace was changed since",
        }),
        error => error.into(),
    }
}

/// Before anything was done.
fn report_of(found: &Found, moves: &[Move], request: &UpgradeRequest, state_serial: u64) -> UpgradeReport {
    let only = if moves.len() == 1 { moves.first().map(|planned| &planned.view) } else { None };
    let at = || found.pin_of(request);
    UpgradeReport {
        operation_id: None,
        dependency: only.map(|only| only.dependency.clone()).or_else(|| request.dependency.clone()),
        from: only.map_or_else(at, |only| Some(only.from.clone())),
        to: only.map_or_else(at, |only| Some(only.to.clone())),
        moves: if moves.len() > 1 {
            moves.iter().map(|planned| planned.view.clone()).collect()
        } else {
            Vec::new()
        },
        success: moves.is_empty(),
        changed: false,
        snapshot_id: None,
        failed_snapshot_id: None,
        state_serial,
        steps: Vec::new(),
        changed_paths: PathCounts::default(),
        rollback: None,
        not_restored: Vec::new(),
        unresolvable: moves.iter().flat_map(|planned| planned.view.unresolvable.clone()).collect(),
        dropped: if moves.is_empty() { Vec::new() } else { found.locked.dropped.clone() },
        not_staged: false,
        recovered: Vec::new(),
        error: None,
        code: None,
        hint: None,
    }
}

impl Found {
    /// Where the dependency is that a request is about, when it is about one.
    pub(super) fn pin_of(&self, request: &UpgradeRequest) -> Option<RefCommit> {
        let name = super::found::name_of(request.dependency.as_deref()?).ok()?;
        let entry = self.locked.lock.entries.get(&name)?;
        Some(RefCommit { reference: entry.reference.to_string(), commit: entry.commit.to_string() })
    }
}

impl Rollback {
    /// Nothing had begun that could have changed anything.
    fn nothing_changed() -> Self {
        Self { complete: true, restored: 0, failed: Vec::new() }
    }
}
