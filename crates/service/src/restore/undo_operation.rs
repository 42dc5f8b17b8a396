//! Undoes an operation.

use std::sync::Arc;

use backstay_catalog::{OperationRow, OperationState as RowState, SnapshotRow, SourceRow};
use backstay_model::{Action, Caller, OperationId, SnapshotId, SourceId, TaskId};
use backstay_source_workspace::{self as workspace, ContentCheck, DiffOptions, Selection, WorkspaceLock};

use super::changed_paths::{ChangedPaths, is_only_directory_time};
use super::execute::{Listed, PutBack};
use super::operation::{NewOperation, UpgradeDetail, request_of, view};
use super::restore_snapshot::result_of;
use crate::dependencies::GitWayBack;
use crate::error::{FieldProblem, Result, ServiceError};
use crate::hooks::Hook;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::{Stored, context_of};
use crate::tasks::Work;
use crate::view::{Operation, QueuedOperation, RestoreRequest};

/// How many edited paths a conflict names.
const MOST_NAMED: usize = 100;

/// An operation that can be undone.
struct Undoable {
    row: OperationRow,
    /// The state before it.
    before: SnapshotRow,
    /// The state that it put back or left; `None` when that is noted path by path.
    after: Option<SnapshotRow>,
}

impl Service {
    /// Undoes an operation as a new operation with its own safety snapshot, limited to the paths it changed; undoing an undo is
    /// redo. `Conflict` with code `conflict` and the paths in `fields` when one was edited since, unless `force`.
    pub async fn undo_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
        force: bool,
        run: &Run,
    ) -> Result<Operation> {
        let row = self.permitted_operation(caller, id, Action::Restore).await?;
        let source = self.permitted_source(caller, &row.source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "undo", run).await?;
        self.recover_locked(caller, &source, &lock).await?;
        let hooks = self.load_hooks(&source, run).await?;
        self.run_before_hook(caller, &source, &hooks, Hook::BeforeRestore, run).await?;
        let undone = Box::pin(self.undo_locked(caller, &source, id, force, &lock, run)).await;
        drop(lock);
        let done = undone.as_ref().unwrap_or(&row).clone();
        self.run_hooks_after_restore(caller, &source, &hooks, &done, undone.as_ref().err(), run).await;
        Ok(view(undone?))
    }

    /// Queues the same for a worker.
    pub async fn queue_undo(
        &self,
        caller: &Caller,
        id: &OperationId,
        force: bool,
    ) -> Result<QueuedOperation> {
        let row = self.permitted_operation(caller, id, Action::Restore).await?;
        let source = self.permitted_source(caller, &row.source, Action::Restore).await?;
        self.workspace_root(&source)?;
        let undoable = self.undoable(id).await?;
        let now = self.now();
        let operation = OperationId::generate(now, &**self.rng());
        let work = Work::Undo { operation: operation.clone(), undoes: id.clone(), force };
        let payload = self.payload(operation.to_string(), caller, work);
        let queued = self.new_task(TaskId::generate(now, &**self.rng()), Some(&source), &payload, None);
        let mut tx = self.begin().await?;
        let task = tx.enqueue(&queued).await?.into_row().id;
        let new = new_undo(operation.clone(), &undoable, Some(task.clone()));
        self.begin_operation_in(&mut tx, caller, &source, new).await?;
        tx.commit().await?;
        Ok(QueuedOperation { operation, task })
    }

    /// The newest operation of a source that can be undone; undone ones count, since undoing an undo is redo.
    pub async fn last_undoable(&self, caller: &Caller, source: &SourceId) -> Result<Option<Operation>> {
        self.permitted_source(caller, source, Action::View).await?;
        Ok(self.read().await?.last_undoable(source).await?.map(view))
    }

    /// What a worker does with [`Work::Undo`].
    pub(crate) async fn run_undo(
        &self,
        caller: &Caller,
        operation: &OperationId,
        undoes: &OperationId,
        force: bool,
        run: &Run,
    ) -> Result<serde_json::Value> {
        let row = self.running_operation(operation).await?;
        let source = self.permitted_source(caller, &row.source, Action::Restore).await?;
        let root = self.workspace_root(&source)?;
        let lock = self.lock_workspace(&root, "undo", run).await?;
        self.recover_locked(caller, &source, &lock).await?;
        let hooks = self.load_hooks(&source, run).await?;
        self.run_before_hook(caller, &source, &hooks, Hook::BeforeRestore, run).await?;
        let undoable = self.undoable(undoes).await?;
        let put_back = self.put_back_undoing(&source, &undoable, force, run).await?;
        let carried = Box::pin(self.carry_out(caller, &source, &lock, &row, put_back, run)).await;
        drop(lock);
        self.run_hooks_after_restore(caller, &source, &hooks, &row, carried.as_ref().err(), run).await;
        Ok(result_of(&carried?))
    }

    /// Undoes under a lock that the caller holds.
    pub(crate) async fn undo_locked(
        &self,
        caller: &Caller,
        source: &SourceRow,
        id: &OperationId,
        force: bool,
        lock: &Arc<WorkspaceLock>,
        run: &Run,
    ) -> Result<OperationRow> {
        let undoable = self.undoable(id).await?;
        let put_back = self.put_back_undoing(source, &undoable, force, run).await?;
        let new = new_undo(OperationId::generate(self.now(), &**self.rng()), &undoable, None);
        let mut tx = self.begin().await?;
        let row = self.begin_operation_in(&mut tx, caller, source, new).await?;
        tx.commit().await?;
        Box::pin(self.carry_out(caller, source, lock, &row, put_back, run)).await
    }

    async fn undoable(&self, id: &OperationId) -> Result<Undoable> {
        let mut read = self.read().await?;
        let row = read.operation(id).await?.ok_or_else(|| ServiceError::not_found("Operation"))?;
        if row.state != RowState::Done {
            return Err(ServiceError::conflict(format!(
                "Operation {id} is {}, so there is nothing to undo",
                row.state
            )));
        }
        let Some(before) = row.snapshot.clone() else {
            return Err(ServiceError::conflict(format!("Operation {id} changed nothing")));
        };
        let mut find = async |snapshot: &SnapshotId| {
            let found = read.snapshot(snapshot).await?;
            found.filter(|found| found.manifest_id.is_some() && found.tombstone.is_none()).ok_or_else(|| {
                ServiceError::conflict(format!(
                    "Operation {id} cannot be undone: snapshot {snapshot} is gone"
                ))
            })
        };
        let before = find(&before).await?;
        let after = match &row.target {
            _ if ChangedPaths::from_json(&row.changed_paths).is_looked_at() => None,
            Some(after) => Some(find(after).await?),
            None => return Err(ServiceError::conflict(format!("Operation {id} changed nothing"))),
        };
        Ok(Undoable { row, before, after })
    }

    /// What of git goes back when `row` is undone: what the change of dependencies noted that it, or the undo of its undo, is.
    async fn git_way_back(&self, row: &OperationRow, force: bool) -> Result<Option<GitWayBack>> {
        let mut read = self.read().await?;
        let (mut noted, mut is_reversed) = (row.clone(), false);
        loop {
            if let Some(change) = ChangedPaths::from_json(&noted.changed_paths).git() {
                let change = if is_reversed { change.clone().reversed() } else { change.clone() };
                return Ok(Some(GitWayBack { change, undoes: row.id.clone(), force }));
            }
            let undone = match &noted.undoes {
                Some(undone) => read.operation(undone).await?,
                None => None,
            };
            let Some(undone) = undone else { return Ok(None) };
            (noted, is_reversed) = (undone, !is_reversed);
        }
    }

    /// The operation whose list of paths tells what `row` changed: itself, or, for an undo without a list of its own, the one that it
    /// undid, whose paths are all that it can have changed.
    async fn listing_of(&self, row: &OperationRow) -> Result<OperationRow> {
        let mut read = self.read().await?;
        let mut listing = row.clone();
        while ChangedPaths::from_json(&listing.changed_paths).paths().is_none()
            && let Some(undone) = &listing.undoes
            && let Some(undone) = read.operation(undone).await?
        {
            listing = undone;
        }
        Ok(listing)
    }

    /// Exactly the paths that the operation changed, after a look at whether one was edited since.
    async fn put_back_undoing(
        &self,
        source: &SourceRow,
        undoable: &Undoable,
        force: bool,
        run: &Run,
    ) -> Result<PutBack> {
        let root = self.workspace_root(source)?;
        let lazy = self.lazy_repository();
        let stored = |row: &Option<SnapshotRow>| row.as_ref().map(|row| Stored::of(row, lazy)).transpose();
        let after = stored(&undoable.after)?;
        let (id, changed) = (undoable.row.id.clone(), ChangedPaths::from_json(&undoable.row.changed_paths));
        let git = self.git_way_back(&undoable.row, force).await?;
        let listing = self.listing_of(&undoable.row).await?;
        let kept = ChangedPaths::from_json(&listing.changed_paths);
        let request = request_of(&listing);
        let around = self.undoable(&listing.id).await?;
        let around = (Stored::of(&around.before, lazy)?, stored(&around.after)?);
        let (context, repository) = (context_of(run), self.repository_directory().cloned());
        let way = git.clone();
        let (selection, listed) = blocking("look for edited paths", move || {
            let mut listed = Vec::new();
            let paths: Vec<Vec<u8>> = if let Some(paths) = kept.paths() {
                let is_by_path = |path: &[u8]| way.as_ref().is_none_or(|way| !way.takes_away(path));
                let found = paths.into_iter().enumerate().filter(|(_, path)| is_by_path(path));
                listed.extend(found.map(|(index, path)| Listed { path, was_there: kept.was_there(index) }));
                listed.iter().map(|listed| listed.path.clone()).collect()
            } else {
                let unknown =
                    || ServiceError::conflict(format!("It is not known what operation {id} changed"));
                let (old, new) = (around.0.open()?, around.1.ok_or_else(unknown)?.open()?);
                let options = DiffOptions {
                    selection: Selection::of_patterns(&request.paths)?,
                    renames: false,
                    ..DiffOptions::default()
                };
                let changes =
                    workspace::diff_snapshots(&old.reader, &old.manifest, &new.manifest, &options, &context)?;
                let kept = |change: &workspace::Change| {
                    !(request.keep_new && change.kind == workspace::ChangeKind::Deleted)
                };
                changes.into_iter().filter(kept).map(|change| change.path).collect()
            };
            let selection = Selection::exact(&paths)?;
            if !force {
                let gone: Vec<String> = way.iter().flat_map(GitWayBack::checkouts_that_go).collect();
                let edited = if let Some(after) = after {
                    let after = after.open()?;
                    let differing = |selection: Selection| {
                        let content = ContentCheck::WhenUnsure;
                        let repository = repository.clone();
                        let options = DiffOptions { selection, content, renames: false, repository };
                        workspace::diff_live(&after.reader, &after.manifest, &root, &options, &context)
                    };
                    let mut changes = differing(selection.clone())?;
                    if !gone.is_empty() {
                        changes.extend(differing(Selection::of_paths(&gone)?)?);
                    }
                    let edits = changes.into_iter().filter(|change| !is_only_directory_time(change));
                    edits.map(|change| change.path).collect()
                } else {
                    let mut edited = changed.edited(&root, &id)?;
                    if let Some(way) = &way {
                        edited.extend(way.unlisted(&root, &changed.paths().unwrap_or_default())?);
                    }
                    edited
                };
                refuse_edited(&edited)?;
            }
            Ok((selection, listed))
        })
        .await?;
        Ok(PutBack { target: undoable.before.clone(), selection, keep_new: false, force, listed, git })
    }
}

fn new_undo(id: OperationId, undoable: &Undoable, task: Option<TaskId>) -> NewOperation {
    NewOperation {
        id,
        kind: "undo",
        target: Some(undoable.before.id.clone()),
        undoes: Some(undoable.row.id.clone()),
        request: RestoreRequest::default(),
        upgrade: UpgradeDetail::of_row(&undoable.row).map(|detail| detail.reversed()),
        task,
    }
}

/// Refuses when a path was edited since.
pub(crate) fn refuse_edited(edited: &[Vec<u8>]) -> Result<()> {
    let edited: Vec<String> = edited.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    let Some(first) = edited.first() else { return Ok(()) };
    let more = match edited.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut error = ServiceError::conflict(format!("`{first}`{more} was edited since; nothing was changed"))
        .code("conflict")
        .hint("look at `backstay diff`, or undo all the same with `--force`");
    error.fields = edited
        .into_iter()
        .take(MOST_NAMED)
        .map(|path| FieldProblem { field: path, detail: "it was edited since".to_owned() })
        .collect();
    Err(error)
}
