//! `deps validate --fix`: heals a lock that an older program wrote.

use serde::Serialize;

use super::session::{Drafted, Options, Session};
use crate::change::Draft;
use crate::commit_id::CommitId;
use crate::error::Result;
use crate::name::DependencyName;
use crate::workspace::Workspace;

/// What was healed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fixed {
    /// The version that the lock had; it has version 3 now.
    pub version_before: Option<u32>,
    /// Entries that named an annotated tag instead of its commit.
    pub peeled: Vec<DependencyName>,
}

/// Writes the lock anew: in version 3, with commits where ids of annotated tags were.
pub fn fix(workspace: &Workspace, draft: Draft, options: &Options) -> Result<Drafted<Fixed>> {
    let mut session = Session::begin(workspace, options, draft)?;
    let version_before = workspace.lock()?.map(|reading| reading.version);
    let mut peeled: Vec<(DependencyName, CommitId)> = Vec::new();
    for (name, entry) in &session.lock.entries {
        if let Some(store) = workspace.store(name)?
            && let Some(commit) = store.peel(&entry.commit)?
            && commit != entry.commit
        {
            peeled.push((name.clone(), commit));
        }
    }
    for (name, commit) in &peeled {
        if let Some(entry) = session.lock.entries.get_mut(name) {
            entry.commit = commit.clone();
            entry.consumed_at = options.now;
        }
    }
    let peeled = peeled.into_iter().map(|(name, _)| name).collect();
    session.finish(Fixed { version_before, peeled })
}
