//! `deps add`: declares a dependency and brings it here.

use super::session::{Drafted, Moved, Options, Session};
use crate::change::Draft;
use crate::declarations::edit;
use crate::error::Result;
use crate::name::DependencyName;
use crate::pin::Pin;
use crate::workspace::Workspace;

/// What `add` takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddOptions {
    /// Only `graft.yaml` is changed.
    pub no_resolve: bool,
}

/// Declares `name` as `pin`, and unless told otherwise clones, checks out and locks it. `None` in the report when it was
/// only declared.
pub fn add(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    name: &DependencyName,
    pin: &Pin,
    add: AddOptions,
) -> Result<Drafted<Option<Moved>>> {
    let mut session = Session::begin(workspace, options, draft)?;
    session.yaml = Some(edit::add(session.yaml.as_deref(), name, pin)?);
    if add.no_resolve {
        session.keep_lock();
        return session.finish(None);
    }
    let checkout = session.fetched(name, &pin.source, &pin.reference)?;
    let commit = checkout.store.resolve(name, &pin.reference)?;
    let moved = session.move_to(name, &pin.source, &pin.reference, &checkout, &commit)?;
    session.finish(Some(moved))
}
