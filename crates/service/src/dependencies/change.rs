//! One change of the dependencies of a workspace.
//!
//! Permission → lock → recovery → draft, which fetches and clones beside → intent → **commit record** → flip (all in the
//! workspace) → operation row, serial and event in one transaction → the journal is closed.

use std::path::Path;

use backstay_catalog::{OperationRow, OperationState};
use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::mutate::{Drafted, Options};
use backstay_dependencies::{DependencyError, Workspace};
use backstay_model::{Action, Caller, OperationId, SourceId};
use backstay_source_workspace::{Applied, ChangeSet, ChangeSetOptions, Seen, Steps};
use serde::Serialize;

use super::git::{git_of, refuse_git_at_work};
use crate::error::{Result, ServiceError};
use crate::restore::{ChangedPaths, Done, NewOperation};
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::view::RestoreRequest;

/// What every change takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChangeRequest {
    /// Compute the change and do not make it. Stores that are there already may be fetched into.
    pub dry_run: bool,
    /// Leave the git index alone.
    pub no_stage: bool,
    /// Fetch nothing.
    pub offline: bool,
    /// Overwrite what someone changed in a checkout.
    pub force: bool,
}

/// A change that was made, or that would be.
#[derive(Debug, Clone, Serialize)]
pub struct DependencyChange<R> {
    /// What the change is about.
    pub report: R,
    /// Whether the workspace was changed, or would be.
    pub changed: bool,
    /// The operation; `None` when nothing had to be done.
    pub operation_id: Option<OperationId>,
    /// The state of the workspace now.
    pub state_serial: u64,
    /// Entries that `graft.lock` had and has no more: of dependencies of dependencies, and of what is not declared.
    pub dropped: Vec<String>,
    /// Interrupted operations that were ended first.
    pub recovered: Vec<OperationId>,
    /// The index was left alone because `graft.yaml` or `graft.lock` has edits that are not staged.
    pub not_staged: bool,
    /// What someone else changed meanwhile and was left so.
    pub not_applied: Vec<String>,
}

impl Service {
    /// Makes the change that `draft` computes, whole or not at all. `kind` names the operation.
    pub(super) async fn change_dependencies<R: Send + 'static>(
        &self,
        caller: &Caller,
        source: &SourceId,
        kind: &'static str,
        request: ChangeRequest,
        run: &Run,
        draft: impl FnOnce(&Workspace, Draft, &Options) -> Result<Drafted<R>, DependencyError> + Send + 'static,
    ) -> Result<DependencyChange<R>> {
        let source = self.permitted_source(caller, source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, kind, run).await?;
        let recovered = self.recover_locked(caller, &source, &lock).await?;
        refuse_git_at_work(&root)?;
        let source = self.read().await?.source(&source.id).await?.unwrap_or(source);

        let id = OperationId::generate(self.now(), &**self.rng());
        let set_options = ChangeSetOptions {
            operation: id.clone(),
            kind: kind.to_owned(),
            snapshot: None,
            safety_snapshot: None,
            steps: Steps::unlimited(),
        };
        let options = Options {
            stage: !request.no_stage,
            offline: request.offline,
            force: request.force,
            now: self.now(),
        };
        let (held, cancel, at) = (lock.clone(), run.cancel.clone(), root.clone());
        let (set, drafted) = blocking("prepare the change", move || {
            let mut set = ChangeSet::begin(&at, &held, set_options)?;
            let seen = see(&at)?;
            let drafted = draft(&Workspace::new(&at, git_of(&cancel)), Draft::new(set.scratch()), &options)?;
            take(&mut set, &at, &drafted.steps, &seen)?;
            cancel.check()?;
            Ok((set, drafted))
        })
        .await?;
        let changed = !drafted.steps.is_empty();
        let mut answer = DependencyChange {
            report: drafted.report,
            changed,
            operation_id: None,
            state_serial: source.state_serial,
            dropped: drafted.dropped,
            recovered: recovered.rolled_back.into_iter().chain(recovered.rolled_forward).collect(),
            not_staged: drafted.not_staged,
            not_applied: Vec::new(),
        };
        if !changed || request.dry_run {
            return Ok(answer);
        }

        let new = NewOperation {
            id,
            kind,
            target: None,
            undoes: None,
            request: RestoreRequest::default(),
            upgrade: None,
            task: None,
        };
        let mut tx = self.begin().await?;
        let row = self.begin_operation_in(&mut tx, caller, &source, new).await?;
        tx.commit().await?;
        let paths = ChangedPaths::of_changes(set.changes());
        let kept = paths.to_json();
        let applied: Applied = match blocking("change the workspace", move || Ok(set.commit(kept)?)).await {
            Ok(applied) => applied,
            Err(error) => {
                self.change_failed(caller, &row, &error).await;
                return Err(error);
            }
        };
        let done =
            Done { changed: true, safety: None, paths, not_restored: applied.not_applied, recovered: false };
        let mut tx = self.begin().await?;
        let ended = self.end_operation_in(&mut tx, caller, source.kind, &row, &done).await?;
        tx.commit().await?;
        self.acknowledge(&source, &row).await;
        drop(lock);
        answer.not_applied =
            done.not_restored.iter().map(|note| String::from_utf8_lossy(&note.path).into_owned()).collect();
        answer.state_serial = ended.serial_after.unwrap_or(answer.state_serial);
        answer.operation_id = Some(row.id);
        Ok(answer)
    }

    async fn change_failed(&self, caller: &Caller, row: &OperationRow, error: &ServiceError) {
        let unfinished = matches!(error.code, Some("unfinished" | "needs_recovery"));
        let state = if unfinished { OperationState::NeedsRecovery } else { OperationState::Failed };
        let noted = async {
            let mut tx = self.begin().await?;
            self.fail_operation_in(&mut tx, caller, row, state, &error.message).await?;
            tx.commit().await?;
            Ok::<(), ServiceError>(())
        };
        if let Err(error) = noted.await {
            // The next command closes it.
            tracing::warn!(operation.id = %row.id, %error, "a failed operation could not be closed");
        }
    }
}

/// The files that a draft reads first, as they are before it does.
const READ_FIRST: [&str; 5] = ["graft.yaml", "graft.lock", ".gitmodules", ".git/config", ".git/index"];

fn see(root: &Path) -> Result<Vec<(&'static str, Seen)>> {
    READ_FIRST.iter().map(|path| Ok((*path, Seen::look(root, path.as_bytes())?))).collect()
}

/// Turns the steps of a draft into those of the set. What the draft read must be as it was then.
fn take(set: &mut ChangeSet, root: &Path, steps: &[Step], seen: &[(&'static str, Seen)]) -> Result<()> {
    let expect_written = |set: &mut ChangeSet, path: &str| -> Result<()> {
        match seen.iter().find(|(known, _)| *known == path) {
            Some((_, seen)) => Ok(set.expect(path.as_bytes(), *seen)?),
            None => Ok(()),
        }
    };
    for step in steps {
        match step {
            Step::Expect { path } => match seen.iter().find(|(known, _)| known == path) {
                Some((_, seen)) => set.expect(path.as_bytes(), *seen)?,
                None => set.expect(path.as_bytes(), Seen::look(root, path.as_bytes())?)?,
            },
            Step::Hold { path } => set.hold(path.as_bytes())?,
            Step::Write { path, content } => {
                expect_written(set, path)?;
                set.write(path.as_bytes(), content, None)?;
            }
            Step::Place { path, prepared } => set.place(path, prepared)?,
            Step::RemoveFile { path } => set.remove_file(path)?,
            Step::RemoveTree { path } => set.remove_tree(path)?,
        }
    }
    Ok(())
}
