//! The way back behind a change of dependencies: files go back by paths, git's own files by what they mean.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use backstay_dependencies::Workspace;
use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::mutate::{self, SubmoduleRecord};
use backstay_model::OperationId;
use backstay_repository::Reader;
use backstay_source::{RestoreContext, RestoreReport};
use backstay_source_workspace::{
    self as workspace, Action, ChangeSet, ChangeSetOptions, ExecuteOptions, PathChange, RestorePlan,
    TreeCopy, WorkspaceLock,
};

use super::draft::{see, take};
use super::git::git_of;
use crate::error::{Result, ServiceError};
use crate::open::cannot;
use crate::restore::{GitChange, refuse_edited};

/// What of git goes back together with the paths of a plan.
#[derive(Debug, Clone)]
pub(crate) struct GitWayBack {
    /// What is undone.
    pub(crate) change: GitChange,
    /// The operation that did it, and that set aside what it took away.
    pub(crate) undoes: OperationId,
    /// Whether what was edited since goes back, too.
    pub(crate) force: bool,
}

impl GitWayBack {
    /// Whether `path` belongs to a checkout in whose place nothing was before, which goes as a whole, or is the directory of
    /// them.
    pub(crate) fn takes_away(&self, path: &[u8]) -> bool {
        let GitChange { before, after } = &self.change;
        if path == b".graft" {
            return !before.directory && after.directory;
        }
        self.checkouts_that_go().any(|checkout| {
            path.strip_prefix(checkout.as_bytes())
                .is_some_and(|below| below.is_empty() || below.starts_with(b"/"))
        })
    }

    /// The checkouts in whose place nothing was before.
    pub(crate) fn checkouts_that_go(&self) -> impl Iterator<Item = String> {
        let after = &self.change.after.submodules;
        let is_new = move |name: &String, before: &SubmoduleRecord| {
            !before.directory && after.get(name).is_some_and(|after| after.checkout)
        };
        let new = self.change.before.submodules.iter().filter(move |(name, before)| is_new(name, before));
        new.map(|(name, _)| format!(".graft/{name}"))
    }

    /// What is in them and not `listed`.
    pub(crate) fn unlisted(&self, root: &Path, listed: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        let listed: HashSet<&[u8]> = listed.iter().map(Vec::as_slice).collect();
        let mut unlisted = Vec::new();
        let mut open: Vec<PathBuf> = self.checkouts_that_go().map(PathBuf::from).collect();
        while let Some(directory) = open.pop() {
            let at = root.join(&directory);
            let entries = match std::fs::read_dir(&at) {
                Ok(entries) => entries.collect::<std::io::Result<Vec<_>>>(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => Err(error),
            };
            for entry in entries.map_err(|error| cannot("list", &at, error))? {
                let path = directory.join(entry.file_name());
                if entry.file_name() == ".git" {
                    continue;
                }
                if !listed.contains(path.as_os_str().as_bytes()) {
                    unlisted.push(path.as_os_str().as_bytes().to_vec());
                } else if entry.path().symlink_metadata().is_ok_and(|found| found.is_dir()) {
                    open.push(path);
                }
            }
        }
        Ok(unlisted)
    }

    /// Executes `plan` and puts git's own files back, at one commit point. Returns also what was changed.
    ///
    /// Errors: `Conflict` with code `conflict` when something was edited since and it is not forced.
    pub(crate) fn execute(
        &self,
        plan: &RestorePlan,
        reader: &Reader,
        lock: &WorkspaceLock,
        options: &ExecuteOptions,
        context: &RestoreContext,
    ) -> Result<(RestoreReport, Vec<PathChange>)> {
        put_back_with(plan, reader, lock, options, context, |set| {
            let root = plan.root();
            let seen = see(root)?;
            let workspace = Workspace::new(root, git_of(&context.cancel));
            let GitChange { before, after } = &self.change;
            let found = mutate::put_back(&workspace, Draft::new(set.scratch()), before, after, self.force)?;
            refuse_edited(&found.conflicts.into_iter().map(String::into_bytes).collect::<Vec<_>>())?;
            for step in &found.steps {
                let Step::BringBack { path, name } = step else { continue };
                let from = workspace::kept(root, &self.undoes, name);
                if !from.is_dir() {
                    let message =
                        format!("The repository of `{name}`, which the operation removed, is no longer kept");
                    return Err(ServiceError::conflict(message).hint("add the dependency again"));
                }
                let prepared = format!("kept-{name}");
                TreeCopy::make(&from, &set.scratch().join(&prepared), &context.cancel)?;
                set.place(path, prepared.as_bytes())?;
            }
            take(set, root, &found.steps, &seen)
        })
    }
}

/// Executes `plan` and what `add` adds to it, at one commit point. Returns also what was changed.
pub(crate) fn put_back_with(
    plan: &RestorePlan,
    reader: &Reader,
    lock: &WorkspaceLock,
    options: &ExecuteOptions,
    context: &RestoreContext,
    add: impl FnOnce(&mut ChangeSet) -> Result<()>,
) -> Result<(RestoreReport, Vec<PathChange>)> {
    let options = ChangeSetOptions {
        operation: options.operation.clone(),
        kind: "undo".to_owned(),
        snapshot: Some(options.snapshot.clone()),
        safety_snapshot: options.safety_snapshot.clone(),
        steps: options.steps.clone(),
    };
    let mut set = ChangeSet::begin(plan.root(), lock, options)?;
    let written_bytes = set.take_plan(plan, reader, context)?;
    add(&mut set)?;
    context.cancel.check()?;
    let applied = set.commit(serde_json::Value::Null)?;
    let report = RestoreReport {
        created: plan.count(Action::Create),
        replaced: plan.count(Action::Replace),
        deleted: plan.count(Action::Delete),
        metadata: plan.count(Action::Metadata),
        written_bytes,
        not_restored: plan.cannot_restore().iter().cloned().chain(applied.not_applied).collect(),
    };
    Ok((report, applied.changes))
}
