//! Changes the dependencies of a workspace, without their commands.
//!
//! Permission → lock → recovery → draft, which fetches and clones beside → safety snapshot of what it can change → intent →
//! **commit record** → flip (all in the workspace) → operation row, serial and event in one transaction → the journal is
//! closed.

use std::path::Path;

use backstay_catalog::{OperationState, SourceRow};
use backstay_dependencies::change::Draft;
use backstay_dependencies::mutate::{self, GitRecord, Options};
use backstay_dependencies::{DependencyName, Workspace};
use backstay_model::{Action, Caller, OperationId, SourceId, Subject, TaskId, Trigger};
use backstay_source_workspace::{Applied, ChangeSet, ChangeSetOptions, Steps};
use serde_json::json;

use super::draft::{see, take};
use super::git::{git_of_run, wait_for_git};
use super::wanted::{Wanted, fetched};
use crate::error::{Result, ServiceError};
use crate::restore::{ChangedPaths, Done, NewOperation};
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::CaptureOf;
use crate::tasks::Work;
use crate::view::{
    DependencyReport, DependencyResult, DependencyState, NewDependencyChange, NewSnapshot, RestoreRequest,
};

impl Service {
    /// Changes dependencies now, in this process: whole or not at all. Fetched objects stay when the rest fails.
    ///
    /// Errors: `Busy` with the owner; `Conflict` with code `conflict` when someone else changed the same files meanwhile; what
    /// git and the files say.
    pub async fn change_dependencies(
        &self,
        caller: &Caller,
        source: &SourceId,
        change: NewDependencyChange,
        run: &Run,
    ) -> Result<DependencyReport> {
        self.change_dependencies_as(caller, source, change, None, run).await
    }

    /// Queues the same for a worker; its result is the report.
    pub async fn queue_dependency_change(
        &self,
        caller: &Caller,
        source: &SourceId,
        change: NewDependencyChange,
    ) -> Result<TaskId> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let wanted = Wanted::of(&change)?;
        if wanted.reads_sources() {
            self.refuse_foreign_paths(caller, &source, &root, wanted.source()).await?;
        }
        let work = Work::ChangeDependencies { source: source.id.clone(), change };
        self.enqueue(caller, Some(&source), source.id.to_string(), work).await
    }

    /// The same for the task that does it.
    pub(crate) async fn change_dependencies_as(
        &self,
        caller: &Caller,
        source: &SourceId,
        change: NewDependencyChange,
        task: Option<TaskId>,
        run: &Run,
    ) -> Result<DependencyReport> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        let wanted = Wanted::of(&change)?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, wanted.kind(), run).await?;
        let recovered = self.recover_locked(caller, &source, &lock).await?;
        wait_for_git(&root, run).await?;
        if wanted.reads_sources() {
            self.refuse_foreign_paths(caller, &source, &root, wanted.source()).await?;
        }
        let source = self.read().await?.source(&source.id).await?.unwrap_or(source);
        let mut report = DependencyReport {
            action: change.action,
            dependencies: Vec::new(),
            changed: false,
            dry_run: change.dry_run,
            dropped: Vec::new(),
            warnings: Vec::new(),
            not_staged: false,
            not_applied: Vec::new(),
            recovered: recovered.rolled_back.into_iter().chain(recovered.rolled_forward).collect(),
            operation_id: None,
            state_serial: source.state_serial,
        };
        if let Wanted::Fetch { only } = &wanted
            && !change.dry_run
        {
            let (only, git) = (only.clone(), git_of_run(run));
            let found = blocking("fetch the dependencies", move || {
                Ok(mutate::fetch(&Workspace::new(&root, git), only.as_ref())?)
            })
            .await?;
            report.dependencies = found.into_iter().map(fetched).collect();
            self.note_fetched(caller, &source, &report).await?;
            return Ok(report);
        }

        let kind = wanted.kind();
        let id = OperationId::generate(self.now(), &**self.rng());
        let of = CaptureOf { operation: Some(id.clone()), ..self.capture_here(Trigger::Safety) };
        let set_options = ChangeSetOptions {
            operation: id.clone(),
            kind: kind.to_owned(),
            snapshot: None,
            safety_snapshot: Some(of.id.clone()),
            steps: Steps::unlimited(),
        };
        let options = Options {
            stage: !change.no_stage,
            offline: change.offline,
            force: change.force,
            now: self.now(),
        };
        let (held, cancel, at, git) = (lock.clone(), run.cancel.clone(), root.clone(), git_of_run(run));
        let (set, drafted, git, scope) = blocking("prepare the change", move || {
            let mut set = ChangeSet::begin(&at, &held, set_options)?;
            let seen = see(&at)?;
            let workspace = Workspace::new(&at, git);
            let drafted = wanted.draft(&workspace, Draft::new(set.scratch()), &options)?;
            take(&mut set, &at, &drafted.steps, &seen)?;
            let names = drafted.report.dependencies.iter().map(|dependency| &dependency.name);
            let names = names.map(|name| DependencyName::parse(name)).collect::<Result<Vec<_>, _>>()?;
            let git = GitRecord::read(&workspace, &names)?;
            let scope = scope_of(&at, &drafted.report.dependencies);
            cancel.check()?;
            Ok((set, drafted, git, scope))
        })
        .await?;
        report.changed = !drafted.steps.is_empty();
        report.dependencies = drafted.report.dependencies;
        report.warnings = drafted.report.warnings;
        report.dropped = drafted.dropped;
        report.not_staged = drafted.not_staged;
        if !report.changed || change.dry_run {
            return Ok(report);
        }

        let new = NewOperation {
            id,
            kind,
            target: None,
            undoes: None,
            request: RestoreRequest::default(),
            upgrade: None,
            task,
        };
        let before = NewSnapshot {
            label: format!("before {kind} {}", new.id),
            paths: scope,
            allow_missing: true,
            allow_unreadable: true,
            ..NewSnapshot::default()
        };
        let mut tx = self.begin().await?;
        let row = self.begin_operation_in(&mut tx, caller, &source, new).await?;
        let capture = self.begin_capture_in(&mut tx, caller, &source, &of, &before).await?;
        tx.commit().await?;
        let paths = ChangedPaths::of_changes(set.changes()).with_git(git);
        let kept = paths.to_json();
        let changed = async {
            self.complete_capture(caller, &source, &capture, &before, run).await?;
            let applied: Applied = blocking("change the workspace", move || Ok(set.commit(kept)?)).await?;
            Ok::<_, ServiceError>(applied)
        };
        let applied = match changed.await {
            Ok(applied) => applied,
            Err(error) => {
                let is_open = error.is_unfinished();
                let state = if is_open { OperationState::NeedsRecovery } else { OperationState::Failed };
                self.note_failure(caller, &row, state, &error.message).await;
                return Err(error);
            }
        };
        let paths = self.look_at_result(&source, &row, paths).await?;
        let done = Done {
            changed: true,
            safety: Some(capture.id),
            paths,
            not_restored: applied.not_applied,
            recovered: false,
        };
        let mut tx = self.begin().await?;
        let ended = self.end_operation_in(&mut tx, caller, source.kind, &row, &done).await?;
        tx.commit().await?;
        self.acknowledge(&source, &row).await;
        self.forget_undo_points(&source).await;
        drop(lock);
        report.not_applied =
            done.not_restored.iter().map(|note| String::from_utf8_lossy(&note.path).into_owned()).collect();
        report.state_serial = ended.serial_after.unwrap_or(report.state_serial);
        report.operation_id = Some(row.id);
        Ok(report)
    }

    async fn note_fetched(
        &self,
        caller: &Caller,
        source: &SourceRow,
        report: &DependencyReport,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let event = self.event(caller, "dependency.fetched", Subject::new("source", &source.id));
        tx.record(
            event
                .of_source(&source.tenant, source.kind, &source.id)
                .with(json!({"dependencies": report.dependencies})),
        );
        tx.commit().await?;
        Ok(())
    }
}

/// Everything that the change can touch, there or not, outside of git's own directory.
fn scope_of(root: &Path, dependencies: &[DependencyResult]) -> Vec<String> {
    let mut scope = ["graft.yaml", "graft.lock", ".gitmodules"].map(str::to_owned).to_vec();
    if root.join(".graft").symlink_metadata().is_err() {
        scope.push(".graft".to_owned());
        return scope;
    }
    let moves = |state: DependencyState| {
        matches!(state, DependencyState::Cloned | DependencyState::CheckedOut | DependencyState::Removed)
    };
    let moved = dependencies.iter().filter(|dependency| moves(dependency.state));
    scope.extend(moved.map(|dependency| format!(".graft/{}", dependency.name)));
    scope
}
