//! `deps tree`: what is locked.

use serde::Serialize;

use crate::commit_id::CommitId;
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::reference::Reference;
use crate::url::SourceUrl;
use crate::workspace::Workspace;

/// Every locked dependency, from a to z.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// The dependencies.
    pub dependencies: Vec<TreeEntry>,
    /// How many there are.
    pub total: usize,
}

/// One locked dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeEntry {
    /// Its name.
    pub name: DependencyName,
    /// The locked ref.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The locked commit.
    pub commit: CommitId,
    /// Where it comes from.
    pub source: SourceUrl,
}

/// What the lock holds.
///
/// Errors: [`DependencyError::LockNotFound`].
pub fn tree(workspace: &Workspace) -> Result<Tree> {
    let reading = workspace.lock()?.ok_or(DependencyError::LockNotFound)?;
    let dependencies: Vec<TreeEntry> = reading
        .lock
        .entries
        .into_iter()
        .map(|(name, entry)| TreeEntry {
            name,
            reference: entry.reference,
            commit: entry.commit,
            source: entry.source,
        })
        .collect();
    Ok(Tree { total: dependencies.len(), dependencies })
}
