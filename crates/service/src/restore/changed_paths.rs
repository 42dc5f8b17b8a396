//! Which paths an operation changed, as the catalog keeps them: undo touches nothing else.

use std::path::Path;

use backstay_dependencies::Workspace;
use backstay_dependencies::git::{Git, Stop};
use backstay_dependencies::mutate::GitRecord;
use backstay_model::OperationId;
use backstay_source_workspace::{self as workspace, Action, PathChange, PathChangeKind, RestorePlan};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::view::ChangeSummary;

/// How many paths are kept by name. Of an operation with more, they are found again by comparing its two snapshots.
const MOST_PATHS: usize = 100_000;

/// The paths that an operation changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangedPaths {
    /// How many, and in which way.
    pub(super) summary: ChangeSummary,
    /// All of them, unless they are too many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paths: Option<Vec<PathText>>,
    /// What each of them was like afterwards, as a fingerprint, when no snapshot tells it; `None` where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<Vec<Option<String>>>,
    /// What it changed in git's own files, when it changed dependencies without their commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git: Option<GitChange>,
}

/// What git's own files said before and after a change of dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GitChange {
    pub(crate) before: GitRecord,
    /// As long as the change is under way, nothing.
    #[serde(default)]
    pub(crate) after: GitRecord,
}

impl GitChange {
    /// The change of an undo.
    pub(super) fn reversed(self) -> Self {
        Self { before: self.after, after: self.before }
    }
}

/// A path as JSON: a text, or its bytes when it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum PathText {
    Text(String),
    Bytes(Vec<u8>),
}

impl PathText {
    fn of(path: Vec<u8>) -> Self {
        match String::from_utf8(path) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Bytes(error.into_bytes()),
        }
    }
}

impl ChangedPaths {
    /// What `plan` changes.
    pub(super) fn of_plan(plan: &RestorePlan) -> Self {
        let changes = plan.changes();
        let paths = (changes.len() <= MOST_PATHS)
            .then(|| changes.iter().map(|change| PathText::of(change.path.clone())).collect());
        Self { summary: summary_of(plan), paths, after: None, git: None }
    }

    /// What a set of changes changed, without what lies in git's own directory: that is not put back by paths.
    pub(crate) fn of_changes(changes: &[PathChange]) -> Self {
        let kept: Vec<&PathChange> = changes.iter().filter(|change| !is_of_git(&change.path)).collect();
        let count = |kind| kept.iter().filter(|change| change.kind == kind).count() as u64;
        let summary = ChangeSummary {
            added: count(PathChangeKind::Added),
            modified: count(PathChangeKind::Modified),
            deleted: count(PathChangeKind::Deleted),
            bytes: 0,
        };
        let paths = (kept.len() <= MOST_PATHS)
            .then(|| kept.iter().map(|change| PathText::of(change.path.clone())).collect());
        Self { summary, paths, after: None, git: None }
    }

    /// As the catalog stores it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("numbers and texts can be written as JSON")
    }

    /// Reads what the catalog stores.
    pub(crate) fn from_json(stored: &serde_json::Value) -> Self {
        serde_json::from_value(stored.clone()).unwrap_or_default()
    }

    /// Notes what the paths are like now, right after the operation. Of too many paths nothing is noted.
    pub(crate) fn look(&mut self, root: &Path, operation: &OperationId) -> Result<()> {
        if let Some(git) = &mut self.git {
            git.after = git.before.again(&Workspace::new(root, Git::new(Stop::never())))?;
        }
        self.after = self.fingerprints(root, operation)?;
        Ok(())
    }

    /// Notes what git's own files said before.
    pub(crate) fn with_git(self, before: GitRecord) -> Self {
        Self { git: Some(GitChange { before, after: GitRecord::default() }), ..self }
    }

    /// What was changed in git's own files, when that is noted.
    pub(crate) const fn git(&self) -> Option<&GitChange> {
        self.git.as_ref()
    }

    /// Whether it is noted what the paths were like afterwards.
    pub(crate) const fn is_looked_at(&self) -> bool {
        self.after.is_some()
    }

    /// Whether something was at the path with this index afterwards; `true` when that is not noted.
    pub(super) fn was_there(&self, index: usize) -> bool {
        self.after.as_ref().and_then(|after| after.get(index)).is_none_or(Option::is_some)
    }

    /// The paths that are not as the operation left them; nothing when that is not noted.
    pub(super) fn edited(&self, root: &Path, operation: &OperationId) -> Result<Vec<Vec<u8>>> {
        let (Some(after), Some(paths)) = (&self.after, self.paths()) else { return Ok(Vec::new()) };
        let now = self.fingerprints(root, operation)?.unwrap_or_default();
        let is_edited = after.iter().zip(now).map(|(after, now)| *after != now);
        Ok(paths
            .into_iter()
            .zip(is_edited)
            .filter(|(_, is_edited)| *is_edited)
            .map(|(path, _)| path)
            .collect())
    }

    fn fingerprints(&self, root: &Path, operation: &OperationId) -> Result<Option<Vec<Option<String>>>> {
        let Some(paths) = self.paths() else { return Ok(None) };
        let found = workspace::fingerprints(root, &paths, operation.as_str().as_bytes())?;
        let hex = |found: workspace::Fingerprint| format!("{:032x}", u128::from_be_bytes(found));
        Ok(Some(found.into_iter().map(|found| found.map(hex)).collect()))
    }

    /// All paths, unless they were too many.
    pub(super) fn paths(&self) -> Option<Vec<Vec<u8>>> {
        let bytes = |path: &PathText| match path {
            PathText::Text(text) => text.as_bytes().to_vec(),
            PathText::Bytes(bytes) => bytes.clone(),
        };
        self.paths.as_ref().map(|paths| paths.iter().map(bytes).collect())
    }
}

/// Whether a path lies in a git directory, or is the file that stands for one.
fn is_of_git(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|part| part == b".git")
}

/// How much a plan changes.
pub(super) fn summary_of(plan: &RestorePlan) -> ChangeSummary {
    ChangeSummary {
        added: plan.count(Action::Create),
        modified: plan.count(Action::Replace) + plan.count(Action::Metadata),
        deleted: plan.count(Action::Delete),
        bytes: plan.bytes(),
    }
}

/// Whether a change is only that of a directory's time, which every edit inside of it makes.
pub(crate) fn is_only_directory_time(change: &workspace::Change) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return false };
    change.kind == workspace::ChangeKind::Properties
        && before.kind == workspace::EntryKind::Directory
        && before.mtime_ns != after.mtime_ns
        && (before.mode, before.uid, before.gid) == (after.mode, after.uid, after.gid)
}
