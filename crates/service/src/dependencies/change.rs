//! One change of the dependencies of a workspace.
//!
//! Permission → lock → recovery → draft, which fetches and clones beside → intent → **commit record** → flip (all in the
//! workspace) → operation row, serial and event in one transaction → the journal is closed.

use std::path::Path;

use backstay_catalog::{OperationEnd, OperationRow, OperationState, SourceRow};
use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::git::{Git, Stop};
use backstay_dependencies::mutate::{Drafted, Options};
use backstay_dependencies::{DependencyError, Workspace};
use backstay_model::{Action, Caller, OperationId, SourceId, Subject};
use backstay_repository::Cancel;
use backstay_source_workspace::{
    self as workspace, ChangeSet, ChangeSetOptions, Seen, Steps, WorkspaceError,
};
use serde::Serialize;
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Describe, Service, blocking};

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
        refuse_git_at_work(&root)?;
        self.recover_locked(caller, &source, &lock).await?;
        let serial =
            self.read().await?.source(&source.id).await?.map_or(source.state_serial, |row| row.state_serial);

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
        let Drafted { steps, report, not_staged } = drafted;
        let changed = !steps.is_empty();
        let mut answer = DependencyChange {
            report,
            changed,
            operation_id: None,
            state_serial: serial,
            not_staged,
            not_applied: Vec::new(),
        };
        if !changed || request.dry_run {
            return Ok(answer);
        }

        let row = self.begin_change(caller, &source, id, kind, serial).await?;
        let committed =
            blocking("change the workspace", move || Ok(set.commit(serde_json::Value::Null)?)).await;
        let applied = match committed {
            Ok(applied) => applied,
            Err(error) => {
                self.change_failed(caller, &row, &error).await;
                return Err(error);
            }
        };
        drop(steps);
        answer.not_applied =
            applied.not_applied.iter().map(|note| String::from_utf8_lossy(&note.path).into_owned()).collect();
        answer.state_serial = self.end_change(caller, &source, &row).await?;
        answer.operation_id = Some(row.id.clone());
        let acknowledged = row.id.clone();
        let closed =
            blocking("close the journal", move || Ok(workspace::acknowledge(&root, &acknowledged)?)).await;
        if let Err(error) = closed {
            tracing::warn!(operation.id = %row.id, %error, "the journal of an operation could not be closed");
        }
        drop(lock);
        Ok(answer)
    }

    async fn begin_change(
        &self,
        caller: &Caller,
        source: &SourceRow,
        id: OperationId,
        kind: &'static str,
        serial: u64,
    ) -> Result<OperationRow> {
        let row = OperationRow {
            seq: 0,
            id,
            tenant: source.tenant.clone(),
            source: source.id.clone(),
            kind: kind.to_owned(),
            state: OperationState::Running,
            serial_before: serial,
            serial_after: None,
            snapshot: None,
            target: None,
            undoes: None,
            changed_paths: json!({}),
            not_restored: json!([]),
            detail: json!({}),
            error: None,
            actor: caller.actor.clone(),
            task: None,
            created_at: self.now(),
            finished_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_operation(&row).await?;
        let event = self.event(caller, "operation.started", Subject::new("operation", &row.id));
        tx.record(event.of_source(&row.tenant, source.kind, &row.source).with(json!({"kind": kind})));
        tx.commit().await?;
        Ok(row)
    }

    /// **The commit point** of the record: the serial, the row and the event, in one transaction.
    async fn end_change(&self, caller: &Caller, source: &SourceRow, row: &OperationRow) -> Result<u64> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let serial = tx.advance_source(&row.source, now).await?;
        let end = OperationEnd {
            state: OperationState::Done,
            serial_after: Some(serial),
            snapshot: None,
            changed_paths: row.changed_paths.clone(),
            not_restored: row.not_restored.clone(),
            error: None,
            at: now,
        };
        tx.finish_operation(&row.id, &end).await?;
        let event = self.event(caller, "dependencies.changed", Subject::new("operation", &row.id));
        tx.record(
            event
                .of_source(&row.tenant, source.kind, &row.source)
                .with(json!({"kind": row.kind, "state_serial": serial})),
        );
        tx.commit().await?;
        Ok(serial)
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

/// Git that stops when the caller cancels.
pub(super) fn git_of(cancel: &Cancel) -> Git {
    let cancel = cancel.clone();
    Git::new(Stop::when(move || cancel.is_cancelled()))
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

/// Git says by this file that it is changing the index.
fn refuse_git_at_work(root: &Path) -> Result<()> {
    let path = ".git/index.lock";
    match root.join(path).symlink_metadata() {
        Ok(_) => Err(WorkspaceError::Taken { path: path.to_owned() }.into()),
        Err(_) => Ok(()),
    }
}
