//! One change of a workspace, step by step, under its lock. Restore and undo put it together.
//!
//! Plan against the tree as it is now → safety snapshot → stage, check every hash, journal, commit record, flip
//! (all in the workspace) → **the commit point** of the record: one transaction ends the operation, counts the change
//! and appends the event → the journal is told that it is no longer needed.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_catalog::{OperationRow, OperationState as RowState, SnapshotRow, SourceRow};
use backstay_model::{Caller, Trigger};
use backstay_source::{CannotRestore, RestoreReport};
use backstay_source_workspace::{
    self as workspace, ExcludeOptions, ExecuteOptions, RestoreOptions, RestorePlan, Seen, Selection, Steps,
    WorkspaceAttributes, WorkspaceLock,
};

use super::changed_paths::ChangedPaths;
use super::operation::{Done, UpgradeDetail};
use crate::dependencies::GitWayBack;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::{CaptureOf, Stored, context_of, scope_of};
use crate::upgrades::WayBack;
use crate::view::NewSnapshot;

/// What of a snapshot is put back into a workspace.
#[derive(Debug, Clone)]
pub(super) struct PutBack {
    pub(super) target: SnapshotRow,
    pub(super) selection: Selection,
    pub(super) keep_new: bool,
    /// Whether a dependency that was moved since goes back, too.
    pub(super) force: bool,
    /// What the undone operation changed, as far as it is kept by name.
    pub(super) listed: Vec<Listed>,
    /// What of git goes back with it, after a change of dependencies without their commands.
    pub(super) git: Option<GitWayBack>,
}

/// A path that an operation changed.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) path: Vec<u8>,
    /// Whether the operation left something there.
    pub(super) was_there: bool,
}

/// A change that is planned and can be undone.
#[derive(Debug)]
pub(crate) struct Secured {
    pub(super) plan: Arc<RestorePlan>,
    /// `None` when there is nothing to change.
    pub(super) safety: Option<SnapshotRow>,
}

impl Secured {
    /// How the operation ended, with what its execution reported.
    pub(super) fn done(self, report: Option<RestoreReport>) -> Done {
        let not_restored = self.plan.cannot_restore().to_vec();
        let Some(report) = report else { return Done { not_restored, ..Done::default() } };
        Done {
            changed: true,
            safety: self.safety.map(|safety| safety.id),
            paths: ChangedPaths::of_plan(&self.plan),
            not_restored: not_restored.into_iter().chain(report.not_restored).collect(),
            recovered: false,
        }
    }
}

impl Service {
    /// Carries an operation out and ends its row, one way or another.
    pub(super) async fn carry_out(
        &self,
        caller: &Caller,
        source: &SourceRow,
        lock: &Arc<WorkspaceLock>,
        row: &OperationRow,
        put_back: PutBack,
        run: &Run,
    ) -> Result<OperationRow> {
        match self.change_workspace(caller, source, lock, row, put_back, run).await {
            Ok(done) => {
                let mut tx = self.begin().await?;
                let ended = self.end_operation_in(&mut tx, caller, source.kind, row, &done).await?;
                tx.commit().await?;
                self.acknowledge(source, row).await;
                Ok(ended)
            }
            Err(error) => {
                let state = if error.is_unfinished() { RowState::NeedsRecovery } else { RowState::Failed };
                self.note_failure(caller, row, state, &error.message).await;
                Err(error)
            }
        }
    }

    async fn change_workspace(
        &self,
        caller: &Caller,
        source: &SourceRow,
        lock: &Arc<WorkspaceLock>,
        row: &OperationRow,
        put_back: PutBack,
        run: &Run,
    ) -> Result<Done> {
        let secured = self.secure(caller, source, row, &put_back, run).await?;
        let Some(safety) = &secured.safety else { return Ok(secured.done(None)) };
        let plan = Arc::clone(&secured.plan);
        let left_out = self.left_out(source, &plan, &put_back).await?;
        let (report, paths) = self.execute_plan(plan, lock, row, &put_back, safety, run).await?;
        let mut done = secured.done(Some(report));
        done.paths = paths.unwrap_or(done.paths);
        done.not_restored.extend(left_out);
        Ok(done)
    }

    /// What the undone operation changed and no plan can put back, because snapshots leave it out.
    async fn left_out(
        &self,
        source: &SourceRow,
        plan: &Arc<RestorePlan>,
        put_back: &PutBack,
    ) -> Result<Vec<CannotRestore>> {
        if put_back.listed.is_empty() {
            return Ok(Vec::new());
        }
        let (root, plan, listed) = (self.workspace_root(source)?, Arc::clone(plan), put_back.listed.clone());
        let target = Stored::of(&put_back.target, self.lazy_repository())?;
        blocking("look for paths that snapshots leave out", move || {
            let target = target.open()?;
            let planned: HashSet<&[u8]> = plan
                .changes()
                .iter()
                .map(|change| change.path.as_slice())
                .chain(plan.cannot_restore().iter().map(|left| left.path.as_slice()))
                .collect();
            let mut left_out = Vec::new();
            for Listed { path, was_there } in listed {
                if planned.contains(path.as_slice())
                    || target.reader.lookup_path(&target.manifest.root, &path)?.is_some()
                {
                    continue;
                }
                // A path that is no longer there, and was not there before, is as it should be.
                if !was_there || Seen::look(&root, &path)? != Seen::NOTHING {
                    let reason = "snapshots leave it out, so it stays as it is".to_owned();
                    left_out.push(CannotRestore { path, reason });
                }
            }
            Ok(left_out)
        })
        .await
    }

    /// Plans against the tree as it is now and, when there is something to change, takes the safety snapshot.
    pub(super) async fn secure(
        &self,
        caller: &Caller,
        source: &SourceRow,
        row: &OperationRow,
        put_back: &PutBack,
        run: &Run,
    ) -> Result<Secured> {
        let root = self.workspace_root(source)?;
        let (plan, excludes) = self.plan_now(root, put_back, run).await?;
        let plan = Arc::new(plan);
        if plan.is_empty() && UpgradeDetail::of_row(row).is_none() && put_back.git.is_none() {
            return Ok(Secured { plan, safety: None });
        }
        let of = CaptureOf { operation: Some(row.id.clone()), ..self.capture_here(Trigger::Safety) };
        let new = NewSnapshot {
            label: format!("before {} {}", row.kind, row.id),
            // Of dependencies all of what can be changed lies in the scope of the target.
            paths: put_back.git.as_ref().map_or_else(Vec::new, |_| scope_of(&put_back.target)),
            allow_missing: put_back.git.is_some(),
            // It has to hold all that the restore can change: what the target leaves out, the restore leaves alone.
            excludes: excludes.patterns,
            respect_gitignore: excludes.respect_gitignore,
            with_git: excludes.with_git,
            cross_mounts: excludes.cross_mounts,
            allow_unreadable: true,
            ..NewSnapshot::default()
        };
        let safety = self.begin_capture(caller, source, &of, &new).await?;
        let safety = self.complete_capture(caller, source, &safety, &new, run).await?;
        Ok(Secured { plan, safety: Some(safety) })
    }

    /// What putting back would change, as the tree is now; and what the snapshot leaves out.
    pub(super) async fn plan_now(
        &self,
        root: PathBuf,
        put_back: &PutBack,
        run: &Run,
    ) -> Result<(RestorePlan, ExcludeOptions)> {
        let stored = Stored::of(&put_back.target, self.lazy_repository())?;
        let options = RestoreOptions {
            selection: put_back.selection.clone(),
            keep_new: put_back.keep_new,
            repository: self.repository_directory().cloned(),
            ..RestoreOptions::default()
        };
        let context = context_of(run);
        blocking("plan the restore", move || {
            let opened = stored.open()?;
            let plan = workspace::plan(&root, &opened.manifest, &opened.reader, &options, &context)?;
            Ok((plan, WorkspaceAttributes::from_map(&opened.manifest.attributes).excludes))
        })
        .await
    }

    async fn execute_plan(
        &self,
        plan: Arc<RestorePlan>,
        lock: &Arc<WorkspaceLock>,
        row: &OperationRow,
        put_back: &PutBack,
        safety: &SnapshotRow,
        run: &Run,
    ) -> Result<(RestoreReport, Option<ChangedPaths>)> {
        let options = ExecuteOptions {
            operation: row.id.clone(),
            snapshot: put_back.target.id.clone(),
            safety_snapshot: Some(safety.id.clone()),
            steps: Steps::unlimited(),
        };
        let (lock, context, lazy) = (Arc::clone(lock), context_of(run), self.lazy_repository().clone());
        let way_back = match UpgradeDetail::of_row(row) {
            Some(detail) => Some(WayBack {
                moves: detail.moves,
                target: Stored::of(&put_back.target, self.lazy_repository())?,
                force: put_back.force,
                now: self.now(),
            }),
            None => None,
        };
        let git = put_back.git.clone();
        blocking("restore the snapshot", move || {
            let reader = lazy.get()?.reader();
            if let Some(git) = git {
                let (report, changes) = git.execute(&plan, &reader, &lock, &options, &context)?;
                return Ok((report, Some(ChangedPaths::of_changes(&changes))));
            }
            let report = match way_back {
                Some(way_back) => way_back.execute(&plan, &reader, &lock, &options, &context)?,
                None => workspace::execute(&plan, &reader, &lock, &options, &context)?,
            };
            Ok((report, None))
        })
        .await
    }

    /// Tells the journal that the catalog knows the end of an operation. Forgetting to is harmless.
    pub(crate) async fn acknowledge(&self, source: &SourceRow, row: &OperationRow) {
        let told = async {
            let (root, id) = (self.workspace_root(source)?, row.id.clone());
            blocking("close the journal", move || Ok(workspace::acknowledge(&root, &id)?)).await
        };
        if let Err(error) = told.await {
            tracing::warn!(operation.id = %row.id, %error, "the journal of an operation could not be closed");
        }
    }
}
