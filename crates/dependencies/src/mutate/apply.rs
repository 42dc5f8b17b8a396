//! `deps apply`: a dependency moves to a ref, without its migrations.

use super::session::{Drafted, Moved, Options, Session};
use crate::change::Draft;
use crate::declarations::{self, Declarations, edit};
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::pin::Pin;
use crate::reference::Reference;
use crate::workspace::Workspace;

/// Moves `graft.yaml`, the lock and the checkout of `name` to `reference`.
pub fn apply(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    name: &DependencyName,
    reference: &Reference,
) -> Result<Drafted<Moved>> {
    let mut session = Session::begin(workspace, options, draft)?;
    let yaml = session.required_yaml()?.to_owned();
    let found = Declarations::parse(declarations::FILE_NAME, &yaml)?;
    let declared = found
        .dependency(name)
        .ok_or_else(|| DependencyError::UnknownDependency { name: name.to_string() })?;
    let checkout = session.fetched(name, &declared.source, reference)?;
    let commit = checkout.store.resolve(name, reference)?;
    let pin = Pin { source: declared.source.clone(), reference: reference.clone() };
    session.yaml = Some(edit::set(&yaml, name, &pin)?);
    let moved = session.move_to(name, &declared.source, reference, &checkout, &commit)?;
    session.finish(moved)
}
