//! What the changes share: the two files, git's files, and one draft.

use backstay_model::Timestamp;
use serde::Serialize;

use crate::change::{Draft, Step};
use crate::commit_id::CommitId;
use crate::declarations;
use crate::error::{DependencyError, Result};
use crate::git::{Store, Superproject};
use crate::lock::{self, Lock};
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::submodule::{Checkout, GitFiles, StagedFile, State, draft_checkout, draft_clone};
use crate::url::SourceUrl;
use crate::workspace::Workspace;

/// What every change takes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The index is changed too, unless `graft.yaml` or `graft.lock` has edits that are not staged.
    pub stage: bool,
    /// Nothing is fetched.
    pub offline: bool,
    /// Changes of tracked files in a checkout are overwritten.
    pub force: bool,
    /// The present time, for `consumed_at`.
    pub now: Timestamp,
}

/// Where one dependency went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The dependency.
    pub name: DependencyName,
    /// The ref.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The commit.
    pub commit: CommitId,
    /// What was done.
    pub state: MoveState,
}

/// What was done to a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    /// It was not there.
    Cloned,
    /// It was at another commit.
    CheckedOut,
    /// Nothing had to be done.
    UpToDate,
}

/// A change that is ready to happen.
#[derive(Debug)]
pub struct Drafted<R> {
    /// Its steps; none of them when there is nothing to change.
    pub steps: Vec<Step>,
    /// What to tell about it.
    pub report: R,
    /// Entries that the lock had and will have no more: transitive ones of an older version, and what is not declared.
    pub dropped: Vec<String>,
    /// The index was left alone because of edits that are not staged.
    pub not_staged: bool,
}

/// A change that is being put together.
#[derive(Debug)]
pub struct Session<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) options: &'a Options,
    pub(super) files: GitFiles,
    pub(super) draft: Draft,
    /// The lock as it will be.
    pub(super) lock: Lock,
    /// Entries that the lock has and will have no more.
    pub(super) dropped: Vec<String>,
    lock_before: Option<String>,
    lock_is_kept: bool,
    yaml_before: Option<String>,
    /// `graft.yaml` as it will be.
    pub(super) yaml: Option<String>,
    not_staged: bool,
}

impl<'a> Session<'a> {
    /// Reads what is there.
    pub fn begin(workspace: &'a Workspace, options: &'a Options, mut draft: Draft) -> Result<Self> {
        let project = Superproject::find(workspace.git(), workspace.root())?;
        let yaml = workspace.yaml()?;
        let lock_before = workspace.read(lock::FILE_NAME)?;
        let reading = lock_before.as_deref().map(Lock::parse).transpose()?;
        let edited = project.unstaged(&[declarations::FILE_NAME, lock::FILE_NAME])?;
        let stage = options.stage && edited.is_empty();
        let files = GitFiles::copy(&project, workspace.root(), &mut draft, stage)?;
        let (lock, dropped) =
            reading.map_or_else(Default::default, |reading| (reading.lock, reading.dropped));
        Ok(Self {
            workspace,
            options,
            files,
            draft,
            lock,
            dropped,
            lock_before,
            lock_is_kept: false,
            yaml_before: yaml.clone(),
            yaml,
            not_staged: options.stage && !stage,
        })
    }

    /// The text of `graft.yaml`, which must be there.
    pub(super) fn required_yaml(&self) -> Result<&str> {
        self.yaml.as_deref().ok_or_else(|| DependencyError::FileNotFound {
            file: declarations::FILE_NAME,
            directory: self.workspace.root().to_path_buf(),
        })
    }

    /// The store of a dependency with `reference` in it: cloned, or fetched unless the ref is the id of a commit that is
    /// here.
    pub(super) fn fetched(
        &mut self,
        name: &DependencyName,
        source: &SourceUrl,
        reference: &Reference,
    ) -> Result<Checkout> {
        let state = State::of(self.workspace, &self.files, name)?;
        match &state {
            State::Absent if self.options.offline => {
                Err(DependencyError::NotCloned { name: name.to_string() })
            }
            State::Absent => draft_clone(self.workspace, &mut self.draft, name, source, state),
            State::Stored(store) | State::Here(store) => {
                if !self.options.offline && !is_here(store, reference)? {
                    store.fetch(source, self.workspace.root())?;
                }
                draft_clone(self.workspace, &mut self.draft, name, source, state)
            }
        }
    }

    /// The store of a dependency with `commit` in it, and the commit that `commit` means.
    pub(super) fn with_commit(
        &mut self,
        name: &DependencyName,
        source: &SourceUrl,
        commit: &CommitId,
    ) -> Result<(Checkout, CommitId)> {
        let state = State::of(self.workspace, &self.files, name)?;
        if matches!(state, State::Absent) && self.options.offline {
            return Err(DependencyError::NotCloned { name: name.to_string() });
        }
        let was_absent = matches!(state, State::Absent);
        let checkout = draft_clone(self.workspace, &mut self.draft, name, source, state)?;
        let (store, root) = (&checkout.store, self.workspace.root());
        let mut found = store.peel(commit)?;
        if found.is_none() && !self.options.offline {
            if !was_absent {
                store.fetch(source, root)?;
                found = store.peel(commit)?;
            }
            if found.is_none() && store.fetch_commit(source, root, commit).is_ok() {
                found = store.peel(commit)?;
            }
        }
        match found {
            Some(found) => Ok((checkout, found)),
            None => {
                Err(DependencyError::CommitNotFound { name: name.to_string(), commit: commit.to_string() })
            }
        }
    }

    /// Moves the checkout of a dependency, registers it, and notes it in the lock.
    pub(super) fn move_to(
        &mut self,
        name: &DependencyName,
        source: &SourceUrl,
        reference: &Reference,
        checkout: &Checkout,
        commit: &CommitId,
    ) -> Result<Moved> {
        let state = self.check_out(name, source, checkout, commit)?;
        self.lock.set(name, source.clone(), reference.clone(), commit.clone(), self.options.now);
        Ok(Moved { name: name.clone(), reference: reference.clone(), commit: commit.clone(), state })
    }

    /// Moves the checkout of a dependency and registers it.
    pub(super) fn check_out(
        &mut self,
        name: &DependencyName,
        source: &SourceUrl,
        checkout: &Checkout,
        commit: &CommitId,
    ) -> Result<MoveState> {
        let (workspace, force) = (self.workspace, self.options.force);
        let moved = draft_checkout(workspace, &self.files, &mut self.draft, name, checkout, commit, force)?;
        self.files.register(name, source, workspace.root(), commit)?;
        Ok(match (checkout.here, moved) {
            (false, _) => MoveState::Cloned,
            (true, true) => MoveState::CheckedOut,
            (true, false) => MoveState::UpToDate,
        })
    }

    /// Leaves the text of the lock as it is, whatever its version.
    pub(super) const fn keep_lock(&mut self) {
        self.lock_is_kept = true;
    }

    /// The steps of everything but the two files, which someone else writes; the index gets `staged`.
    pub(super) fn finish_with(mut self, staged: &[StagedFile]) -> Result<Drafted<()>> {
        self.files.finish(&mut self.draft, staged)?;
        Ok(Drafted {
            steps: self.draft.steps().to_vec(),
            report: (),
            dropped: Vec::new(),
            not_staged: self.not_staged,
        })
    }

    /// The steps of everything.
    pub fn finish<R>(mut self, report: R) -> Result<Drafted<R>> {
        let lock_text = self.lock.to_text();
        let (yaml, lock_file) = (declarations::FILE_NAME, lock::FILE_NAME);
        let yaml_changed = self.yaml != self.yaml_before;
        let has_lock = self.lock_before.is_some() || !self.lock.entries.is_empty();
        let lock_changed = !self.lock_is_kept && has_lock && self.lock_before.as_ref() != Some(&lock_text);
        let mut staged = Vec::new();
        if yaml_changed || lock_changed {
            if let Some(text) = &self.yaml {
                staged.push(StagedFile { path: yaml, content: text.clone().into() });
            }
            let lock_on_disk =
                if self.lock_is_kept { self.lock_before.clone() } else { Some(lock_text.clone()) };
            if let Some(text) = lock_on_disk.filter(|_| has_lock) {
                staged.push(StagedFile { path: lock_file, content: text.into() });
            }
        }
        for (path, changed, content) in
            [(yaml, yaml_changed, self.yaml.as_deref()), (lock_file, lock_changed, Some(lock_text.as_str()))]
        {
            match content {
                Some(content) if changed => {
                    self.draft.push(Step::Write { path: path.to_owned(), content: content.into() });
                }
                _ => self.draft.push(Step::Expect { path: path.to_owned() }),
            }
        }
        self.files.finish(&mut self.draft, &staged)?;
        let steps = if self.draft.is_empty() { Vec::new() } else { self.draft.steps().to_vec() };
        let mut dropped = if self.lock_is_kept { Vec::new() } else { self.dropped };
        dropped.sort();
        Ok(Drafted { steps, report, dropped, not_staged: self.not_staged })
    }
}

/// Whether `reference` is the full id of a commit that the store holds.
fn is_here(store: &Store, reference: &Reference) -> Result<bool> {
    match CommitId::parse(reference.as_str()) {
        Some(commit) => store.has_commit(&commit),
        None => Ok(false),
    }
}
