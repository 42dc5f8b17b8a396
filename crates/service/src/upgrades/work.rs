//! The blocking part of an upgrade: the site, commands, the change of the workspace, and the way back from a failure.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_dependencies::Workspace;
use backstay_dependencies::git::{Git, Stop};
use backstay_model::{ErrorKind, OperationId, SnapshotId, Timestamp};
use backstay_process::Supervisor;
use backstay_source_workspace::{
    self as workspace, Applied, ChangeKind, ChangeSet, ChangeSetOptions, DiffOptions, Layer, LayerEntry,
    PathChange, PathChangeKind, Seen, Steps, WorkspaceError, WorkspaceLock, stage_of,
};
use tokio::sync::mpsc::UnboundedSender;

use super::differences::differences;
use super::found::{FILES, Found, digests};
use super::in_place::{self, Before};
use super::output::Recorder;
use super::pins::populate;
use super::site::{Isolation, Site};
use super::steps::StepNote;
use super::targets::Move;
use crate::error::{CANCELLED, Result, ServiceError};
use crate::restore::ChangedPaths;
use crate::run::Run;
use crate::snapshots::{Stored, context_of};
use crate::view::{CannotRestore, PathCounts, Rollback, UpgradeDigests, UpgradeRequest, UpgradeStep};

/// Everything that the work needs.
pub(super) struct Work {
    pub(super) root: PathBuf,
    pub(super) lock: Arc<WorkspaceLock>,
    pub(super) operation: OperationId,
    pub(super) found: Found,
    pub(super) moves: Vec<Move>,
    pub(super) request: UpgradeRequest,
    /// Whether something was fetched for it.
    pub(super) fetched: bool,
    pub(super) before: Stored,
    pub(super) snapshot: SnapshotId,
    /// A local repository, which is left alone when it lies in the workspace.
    pub(super) repository: Option<PathBuf>,
    /// The time of the file system before the snapshot was begun.
    pub(super) began_ns: i64,
    pub(super) now: Timestamp,
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) run: Run,
}

/// How the work ended.
pub(super) struct Ended {
    pub(super) steps: Vec<UpgradeStep>,
    pub(super) not_restored: Vec<CannotRestore>,
    /// The index was left alone because of edits that are not staged.
    pub(super) not_staged: bool,
    /// What kept the commands apart; `None` when there was no site yet.
    pub(super) isolation: Option<Isolation>,
    /// The whole tree in which a command failed, when it is to be kept.
    pub(super) failed_tree: Option<PathBuf>,
}

impl Work {
    /// Does it. After an error the workspace is as it was, unless the flip is unfinished or commands ran in place; then
    /// [`Work::look_back`] is due.
    pub(super) fn run(&self, notes: &UnboundedSender<StepNote>) -> (Ended, Result<Applied>) {
        let mut ended = Ended {
            steps: Vec::new(),
            not_restored: Vec::new(),
            not_staged: false,
            isolation: None,
            failed_tree: None,
        };
        let result = self.change(notes, &mut ended);
        (ended, result)
    }

    fn change(&self, notes: &UnboundedSender<StepNote>, ended: &mut Ended) -> Result<Applied> {
        let options = ChangeSetOptions {
            operation: self.operation.clone(),
            kind: "upgrade".to_owned(),
            snapshot: None,
            safety_snapshot: Some(self.snapshot.clone()),
            steps: Steps::unlimited(),
        };
        let mut set = ChangeSet::begin(&self.root, &self.lock, options)?;
        let drafted = self.draft_site(set.scratch())?;
        let site = if self.request.in_place {
            in_place::begin(&self.root, &self.operation, &drafted)?;
            Site::in_place(&self.root)
        } else {
            for (file, seen) in &self.found.seen {
                set.expect(file.as_bytes(), *seen)?;
            }
            Site::private(&self.root, set.scratch(), &self.supervisor, &self.run.cancel)?
        };
        ended.isolation = Some(site.isolation());
        populate(&site, set.scratch(), &drafted)?;
        if let Err(error) = self.run_steps(&site, notes, ended) {
            if self.request.keep_failed {
                let to = stage_of(&self.root, &format!("{}.failed", self.operation));
                match site.into_tree(&to) {
                    Ok(tree) => ended.failed_tree = Some(tree),
                    Err(error) => ended.not_restored.push(note("(failed tree)", &error.message)),
                }
            }
            return Err(error);
        }
        let made = if site.isolation() == Isolation::InPlace {
            self.made_in_place()?
        } else {
            self.take_changes(&mut set, &site, ended)?;
            Vec::new()
        };
        ended.not_staged = self.take_pins(&mut set, &site)?;
        self.run.cancel.check()?;
        let mut changes = set.changes().to_vec();
        let known: HashSet<Vec<u8>> = changes.iter().map(|change| change.path.clone()).collect();
        let made: Vec<PathChange> = made.into_iter().filter(|change| !known.contains(&change.path)).collect();
        changes.extend_from_slice(&made);
        let mut applied = set.commit(ChangedPaths::of_changes(&changes).to_json())?;
        applied.changes.extend(made);
        Ok(applied)
    }

    /// Takes over what commands changed in a private copy.
    fn take_changes(&self, set: &mut ChangeSet, site: &Site, ended: &mut Ended) -> Result<()> {
        let entries = site.changes()?;
        if entries.iter().any(|entry| is_ref(&entry.path)) {
            ended.not_restored.push(note(".git", "what commands changed in git stays in their private copy"));
        }
        let entries: Vec<LayerEntry> = entries.into_iter().filter(|entry| !is_ours(&entry.path)).collect();
        let opened = self.before.open()?;
        let seen = |path: &[u8]| -> Result<Option<Seen>, WorkspaceError> {
            let found = opened.reader.lookup_path(&opened.manifest.root, path)?;
            Ok(found.as_ref().map(Seen::stored))
        };
        let layer =
            Layer { directory: site.directory(), entries: &entries, seen: &seen, made_at_ns: self.began_ns };
        for path in set.take_layer(&layer)? {
            let path = String::from_utf8_lossy(&path).into_owned();
            let reason = "it is no file, directory or link, and stays in the private copy";
            ended.not_restored.push(note(&path, reason));
        }
        Ok(())
    }

    /// What is different from the snapshot after commands ran in the workspace itself.
    fn made_in_place(&self) -> Result<Vec<PathChange>> {
        let opened = self.before.open()?;
        let options =
            DiffOptions { renames: false, repository: self.repository.clone(), ..DiffOptions::default() };
        let context = context_of(&self.run);
        let changes = workspace::diff_live(&opened.reader, &opened.manifest, &self.root, &options, &context)?;
        Ok(changes
            .into_iter()
            .map(|change| PathChange {
                path: change.path,
                kind: match change.kind {
                    ChangeKind::Added => PathChangeKind::Added,
                    ChangeKind::Deleted => PathChangeKind::Deleted,
                    _ => PathChangeKind::Modified,
                },
            })
            .collect())
    }

    /// After `error`: puts back what commands changed in the workspace itself, and looks whether everything is as it was.
    pub(super) fn look_back(&self, ended: &mut Ended, error: &ServiceError) -> Rollback {
        if error.is_unfinished() {
            let failed = vec![note(".", "the change is committed and unfinished; run `backstay recover`")];
            return Rollback { complete: false, restored: 0, failed };
        }
        if self.fetched {
            ended.not_restored.push(note(".git/modules", "fetched objects stay"));
        }
        // Whoever cancelled wants to know, too.
        let context = context_of(&Run::default());
        let mut rollback = Rollback { complete: true, restored: 0, failed: Vec::new() };
        let looked = match ended.isolation {
            Some(Isolation::InPlace) => {
                ended.not_restored.push(note("(excluded paths)", "what snapshots leave out is not put back"));
                let before = Before {
                    root: &self.root,
                    lock: &self.lock,
                    operation: &self.operation,
                    snapshot: &self.snapshot,
                    stored: &self.before,
                    repository: self.repository.as_ref(),
                };
                rollback = before.put_back(&context);
                self.note_git(&mut ended.not_restored)
            }
            Some(Isolation::Copy) => differences(
                &self.before,
                &self.root,
                self.repository.as_ref(),
                &context,
            )
            .and_then(|differing| {
                let reason =
                    "it changed while commands ran, through one that wrote past its copy or by someone else";
                rollback.failed.extend(differing.iter().map(|path| note(path, reason)));
                self.note_git(&mut rollback.failed)
            }),
            Some(Isolation::View) | None => self.look_at_lock(&mut rollback.failed),
        };
        if let Err(error) = looked {
            rollback.failed.push(note(".", &format!("it could not be compared: {}", error.message)));
        }
        let stage = stage_of(&self.root, self.operation.as_str());
        if stage.symlink_metadata().is_ok() {
            let path = stage.strip_prefix(&self.root).unwrap_or(&stage).to_string_lossy().into_owned();
            rollback
                .failed
                .push(note(&path, "the private copy could not be removed; the next command does it"));
        }
        rollback.complete &= rollback.failed.is_empty();
        rollback
    }

    /// Commands see no other lock than their own, but somebody else may have edited it.
    fn look_at_lock(&self, failed: &mut Vec<CannotRestore>) -> Result<()> {
        if self.digests()?.lock != self.found.digests.lock {
            failed.push(note(FILES[1], "someone else edited it meanwhile; the edit stays"));
        }
        Ok(())
    }

    /// The present state, found out by git even when the upgrade was cancelled.
    fn digests(&self) -> Result<UpgradeDigests> {
        let workspace = Workspace::new(&self.root, Git::new(Stop::never()));
        digests(&workspace, &self.found.locked)
    }

    /// Commits and entries of the index that are not what they were.
    fn note_git(&self, notes: &mut Vec<CannotRestore>) -> Result<()> {
        let (was, now) = (&self.found.digests, self.digests()?);
        if now.head != was.head {
            notes.push(note(".git/HEAD", "git commits that were made meanwhile stay"));
        }
        if now.gitlink != was.gitlink {
            notes.push(note(".git/index", "its entries for dependencies are not what they were"));
        }
        Ok(())
    }
}

/// Paths that the upgrade itself changes.
fn is_ours(path: &[u8]) -> bool {
    path == b"graft.yaml"
        || path == b"graft.lock"
        || path == b".git"
        || path.starts_with(b".git/")
        || path == b".backstay"
        || path.starts_with(b".backstay/")
}

fn is_ref(path: &[u8]) -> bool {
    path.starts_with(b".git/refs/heads/")
        || path.starts_with(b".git/refs/tags/")
        || path == b".git/HEAD"
        || path == b".git/packed-refs"
}

pub(super) fn stopped() -> ServiceError {
    ServiceError::new(ErrorKind::Conflict, "The upgrade was interrupted").code(CANCELLED)
}

pub(super) fn note(path: &str, reason: &str) -> CannotRestore {
    CannotRestore { path: path.to_owned(), reason: reason.to_owned() }
}

/// How many paths were changed, in each way.
pub(super) fn count(applied: &Applied) -> PathCounts {
    let of = |kind: PathChangeKind| {
        let counted = |change: &&PathChange| change.kind == kind && !change.path.starts_with(b".git/");
        applied.changes.iter().filter(counted).count() as u64
    };
    PathCounts {
        added: of(PathChangeKind::Added),
        modified: of(PathChangeKind::Modified),
        deleted: of(PathChangeKind::Deleted),
    }
}
