//! `deps remove`: takes a dependency out of everything.

use serde::Serialize;

use super::session::{Drafted, Options, Session};
use crate::change::Draft;
use crate::declarations::{self, Declarations, edit};
use crate::error::{DependencyError, Result};
use crate::name::DependencyName;
use crate::submodule::{draft_removal, why_not_removed};
use crate::workspace::Workspace;

/// What `remove` takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// The files of the checkout stay, as plain files.
    pub keep_files: bool,
}

/// What `remove` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The dependency.
    pub name: DependencyName,
    /// Its files stayed.
    pub kept_files: bool,
}

/// Removes `name` from `graft.yaml`, the lock, `.gitmodules`, git's configuration and index, and removes its checkout and
/// its store.
///
/// Errors: [`DependencyError::Dirty`] and [`DependencyError::Unpushed`], unless `options.force`.
pub fn remove(
    workspace: &Workspace,
    draft: Draft,
    options: &Options,
    name: &DependencyName,
    remove: RemoveOptions,
) -> Result<Drafted<Removed>> {
    let mut session = Session::begin(workspace, options, draft)?;
    let yaml = session.yaml.clone().unwrap_or_default();
    let declared = session.yaml.is_some()
        && Declarations::parse(declarations::FILE_NAME, &yaml)?.dependency(name).is_some();
    let locked = session.lock.entries.contains_key(name);
    if !declared && !locked {
        return Err(DependencyError::UnknownDependency { name: name.to_string() });
    }
    if !options.force
        && let Some(store) = workspace.store(name)?
    {
        why_not_removed(&store, workspace, name, remove.keep_files)?;
    }
    if declared {
        session.yaml = Some(edit::remove(&yaml, name)?);
    }
    if locked {
        session.lock.entries.remove(name);
    } else {
        session.keep_lock();
    }
    let Session { files, draft, .. } = &mut session;
    draft_removal(workspace, files, draft, name, remove.keep_files)?;
    session.finish(Removed { name: name.clone(), kept_files: remove.keep_files })
}
