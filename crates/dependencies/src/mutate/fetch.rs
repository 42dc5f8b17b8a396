//! `deps fetch`: brings what the sources have, and changes nothing else.

use serde::Serialize;

use crate::error::{DependencyError, Result};
use crate::git::Store;
use crate::name::DependencyName;
use crate::url::SourceUrl;
use crate::workspace::Workspace;

/// What became of one dependency.
#[derive(Debug)]
pub struct Fetched {
    /// The dependency.
    pub name: DependencyName,
    /// What was done; an error when it could not be.
    pub result: Result<FetchResult>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FetchResult {
    /// It was fetched.
    Fetched,
    /// It is there to be fetched into.
    WouldFetch,
    /// There is nothing to fetch into.
    NotCloned,
}

/// Fetches `only`, or every declared dependency, one after the other; a failure does not keep the others from it.
pub fn fetch(workspace: &Workspace, only: Option<&DependencyName>) -> Result<Vec<Fetched>> {
    each(workspace, only, |store, source| {
        store.fetch(source, workspace.root()).map(|()| FetchResult::Fetched)
    })
}

/// What [`fetch`] would do; nothing is asked of the sources.
pub fn would_fetch(workspace: &Workspace, only: Option<&DependencyName>) -> Result<Vec<Fetched>> {
    each(workspace, only, |_, _| Ok(FetchResult::WouldFetch))
}

fn each(
    workspace: &Workspace,
    only: Option<&DependencyName>,
    take: impl Fn(&Store, &SourceUrl) -> Result<FetchResult>,
) -> Result<Vec<Fetched>> {
    let (found, _) = workspace.declarations()?;
    let mut wanted = found.dependencies;
    if let Some(only) = only {
        wanted.retain(|declared| declared.name == *only);
        if wanted.is_empty() {
            return Err(DependencyError::UnknownDependency { name: only.to_string() });
        }
    }
    let mut fetched = Vec::new();
    for declared in wanted {
        let result = match workspace.store(&declared.name) {
            Ok(None) => Ok(FetchResult::NotCloned),
            Ok(Some(store)) => take(&store, &declared.source),
            Err(error) => Err(error),
        };
        if let Err(DependencyError::Git(error)) = &result
            && error.is_stopped()
        {
            return Err(crate::git::GitError::Stopped.into());
        }
        fetched.push(Fetched { name: declared.name, result });
    }
    Ok(fetched)
}
