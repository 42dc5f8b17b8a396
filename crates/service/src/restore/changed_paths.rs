//! Which paths an operation changed, as the catalog keeps them: undo touches nothing else.

use backstay_source_workspace::{self as workspace, Action, PathChange, PathChangeKind, RestorePlan};
use serde::{Deserialize, Serialize};

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
        Self { summary: summary_of(plan), paths }
    }

    /// What a set of changes changed, without what lies in git's own directory: that is not put back by paths.
    pub(crate) fn of_changes(changes: &[PathChange]) -> Self {
        let kept: Vec<&PathChange> =
            changes.iter().filter(|change| !change.path.starts_with(b".git/")).collect();
        let count = |kind| kept.iter().filter(|change| change.kind == kind).count() as u64;
        let summary = ChangeSummary {
            added: count(PathChangeKind::Added),
            modified: count(PathChangeKind::Modified),
            deleted: count(PathChangeKind::Deleted),
            bytes: 0,
        };
        let paths = (kept.len() <= MOST_PATHS)
            .then(|| kept.iter().map(|change| PathText::of(change.path.clone())).collect());
        Self { summary, paths }
    }

    /// As the catalog stores it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("numbers and texts can be written as JSON")
    }

    /// Reads what the catalog stores.
    pub(crate) fn from_json(stored: &serde_json::Value) -> Self {
        serde_json::from_value(stored.clone()).unwrap_or_default()
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
