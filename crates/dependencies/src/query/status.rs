//! `deps status`: where each dependency is, and whether there is something newer.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::Serialize;

use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::lock::LockEntry;
use crate::name::DependencyName;
use crate::plan;
use crate::reference::Reference;
use crate::workspace::Workspace;

/// Every locked dependency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// By name.
    pub dependencies: BTreeMap<DependencyName, StatusEntry>,
}

/// One locked dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusEntry {
    /// The locked ref.
    pub current_ref: Reference,
    /// The locked commit.
    pub commit: CommitId,
    /// When it was locked.
    pub consumed_at: Timestamp,
    /// What is newer, when that was asked for.
    #[serde(flatten)]
    pub updates: Option<Updates>,
}

/// What is newer than the locked commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Updates {
    /// There is a declared change after the locked commit.
    pub has_update: bool,
    /// The ref of the last one.
    pub available: Option<Reference>,
    /// The refs of all of them, in order.
    pub pending_changes: Vec<Reference>,
}

/// The status of `only`, or of every locked dependency; without a lock there are none. `check_updates` fetches, unless
/// `offline`, and looks for newer changes.
pub fn status(
    workspace: &Workspace,
    only: Option<&DependencyName>,
    check_updates: bool,
    offline: bool,
) -> Result<Status> {
    let Some(reading) = workspace.lock()? else { return Ok(Status::default()) };
    let mut entries = reading.lock.entries;
    if let Some(only) = only {
        entries.retain(|name, _| name == only);
        if entries.is_empty() {
            return Err(DependencyError::UnknownDependency { name: only.to_string() });
        }
    }
    let mut dependencies = BTreeMap::new();
    for (name, entry) in entries {
        let updates = if check_updates { Some(updates(workspace, &name, &entry, offline)?) } else { None };
        let LockEntry { reference, commit, consumed_at, .. } = entry;
        dependencies.insert(name, StatusEntry { current_ref: reference, commit, consumed_at, updates });
    }
    Ok(Status { dependencies })
}

fn updates(
    workspace: &Workspace,
    name: &DependencyName,
    entry: &LockEntry,
    offline: bool,
) -> Result<Updates> {
    let store = workspace.required_store(name)?;
    if !offline {
        store.fetch(&entry.source, workspace.root())?;
    }
    let mut pending = Vec::new();
    if let Some(newest) = plan::newest_commit(&store, name)?
        && let Some(current) = store.peel(&entry.commit)?
    {
        let declarations = store.declarations_at(&newest)?.unwrap_or_default();
        let plan = plan::between(&store, name, &declarations, Some(&current), &newest)?;
        pending = plan.changes.into_iter().map(|planned| planned.change.reference).collect();
    }
    Ok(Updates {
        has_update: !pending.is_empty(),
        available: pending.last().cloned(),
        pending_changes: pending,
    })
}
