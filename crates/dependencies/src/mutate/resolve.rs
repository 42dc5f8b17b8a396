//! `deps resolve`: the lock and the checkouts follow `graft.yaml`.

use serde::Serialize;

use super::session::{Drafted, Moved, Options, Session};
use crate::change::Draft;
use crate::declarations::{self, Declarations, Problem};
use crate::error::{DependencyError, Result};
use crate::git::Ancestry;
use crate::name::DependencyName;
use crate::workspace::Workspace;

/// What `resolve` takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResolveOptions {
    /// A lock that is ahead of `graft.yaml` goes back.
    pub force_yaml: bool,
}

/// What `resolve` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    /// Every declared dependency.
    pub dependencies: Vec<Moved>,
    /// What should be looked at in `graft.yaml`.
    #[serde(skip)]
    pub warnings: Vec<Problem>,
}

/// Resolves every declared dependency, all or none.
///
/// Errors: [`DependencyError::LockAhead`], [`DependencyError::LegacyClone`], and whatever keeps one dependency from being
/// resolved.
pub fn resolve(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    resolve: ResolveOptions,
) -> Result<Drafted<Resolved>> {
    let mut session = Session::begin(workspace, options, draft)?;
    let (found, warnings) =
        Declarations::parse_with_warnings(declarations::FILE_NAME, session.required_yaml()?)?;
    let mut moved = Vec::new();
    for declared in &found.dependencies {
        let checkout = session.fetched(&declared.name, &declared.source, &declared.reference)?;
        let commit = checkout.store.resolve(&declared.name, &declared.reference)?;
        if let Some(entry) = session.lock.entries.get(&declared.name)
            && !resolve.force_yaml
            && let Some(locked) = checkout.store.peel(&entry.commit)?
            && checkout.store.ancestry(&commit, &locked)? == Ancestry::Newer
        {
            return Err(DependencyError::LockAhead {
                name: declared.name.to_string(),
                locked: entry.reference.to_string(),
                declared: declared.reference.to_string(),
            });
        }
        moved.push(session.move_to(
            &declared.name,
            &declared.source,
            &declared.reference,
            &checkout,
            &commit,
        )?);
    }
    let is_declared = |name: &DependencyName| found.dependency(name).is_some();
    let undeclared: Vec<DependencyName> =
        session.lock.entries.keys().filter(|name| !is_declared(name)).cloned().collect();
    for name in undeclared {
        session.lock.entries.remove(&name);
        session.dropped.push(name.to_string());
    }
    session.finish(Resolved { dependencies: moved, warnings })
}
