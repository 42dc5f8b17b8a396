//! `deps sync`: the checkouts follow the lock.

use serde::Serialize;

use super::session::{Drafted, MoveState, Options, Session};
use crate::change::Draft;
use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::lock::LockEntry;
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::workspace::Workspace;

/// What became of one dependency.
#[derive(Debug, Serialize)]
pub struct Synced {
    /// The dependency.
    pub name: DependencyName,
    /// The locked ref.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The locked commit.
    pub commit: CommitId,
    /// What was done; an error when it could not be.
    #[serde(skip)]
    pub result: Result<MoveState>,
}

/// Brings the checkouts to their locked commits: of `only`, or of every locked dependency. Those that cannot be are
/// reported and left as they are; the others move together.
pub fn sync(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    only: Option<&DependencyName>,
) -> Result<Drafted<Vec<Synced>>> {
    // A checkout that follows the lock has nothing new for the index.
    let options = Options { stage: false, ..options.clone() };
    let lock = workspace.required_lock()?.lock;
    let mut entries: Vec<(DependencyName, LockEntry)> = lock.entries.into_iter().collect();
    if let Some(only) = only {
        entries.retain(|(name, _)| name == only);
        if entries.is_empty() {
            return Err(DependencyError::UnknownDependency { name: only.to_string() });
        }
    }
    let mut session = Session::begin(workspace, &options, draft)?;
    let mut synced = Vec::new();
    for (name, entry) in entries {
        let before = session.draft.steps().len();
        let result = one(&mut session, &name, &entry);
        if result.is_err() {
            session.draft.go_back_to(before);
        }
        if let Err(DependencyError::Git(error)) = &result
            && error.is_stopped()
        {
            return Err(crate::git::GitError::Stopped.into());
        }
        synced.push(Synced { name, reference: entry.reference, commit: entry.commit, result });
    }
    session.keep_lock();
    session.finish(synced)
}

fn one(session: &mut Session<'_>, name: &DependencyName, entry: &LockEntry) -> Result<MoveState> {
    let (checkout, commit) = session.with_commit(name, &entry.source, &entry.commit)?;
    session.check_out(name, &entry.source, &checkout, &commit)
}
