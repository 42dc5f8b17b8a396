//! `deps changes`: the declared changes of a dependency.

use serde::Serialize;

use crate::declarations::{Change, Declarations};
use crate::error::Result;
use crate::git::Store;
use crate::name::DependencyName;
use crate::plan;
use crate::reference::Reference;
use crate::workspace::Workspace;

/// Which changes are wanted.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Only of this type.
    pub kind: Option<String>,
    /// Only those after this ref.
    pub from: Option<Reference>,
    /// Only those up to this ref.
    pub to: Option<Reference>,
}

/// The changes in `(from, to]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeList {
    /// The dependency.
    pub dependency: DependencyName,
    /// After this.
    pub from: Option<Reference>,
    /// Up to this.
    pub to: Option<Reference>,
    /// Ancestors first, then in the order of the file.
    pub changes: Vec<Change>,
}

/// Lists the changes of `name`. They are read from the commit of `to`, else from the newest known commit, else from the
/// checkout.
pub fn changes(workspace: &Workspace, name: &DependencyName, filter: &ChangeFilter) -> Result<ChangeList> {
    let store = workspace.required_store(name)?;
    let to = filter.to.as_ref().map(|to| store.resolve(name, to)).transpose()?;
    let from = filter.from.as_ref().map(|from| store.resolve(name, from)).transpose()?;
    let newest = plan::newest_commit(&store, name)?;
    let declarations = match to.as_ref().or(newest.as_ref()) {
        Some(commit) => store.declarations_at(commit)?.unwrap_or_default(),
        None => of_checkout(workspace, &store, name)?,
    };
    let mut changes = match (from.as_ref(), to.as_ref().or(newest.as_ref())) {
        // Without limits all that is declared counts, also what the newest commit does not hold.
        (None, _) if to.is_none() => declarations.changes,
        (from, Some(to)) => {
            let plan = plan::between(&store, name, &declarations, from, to)?;
            plan.changes.into_iter().map(|planned| planned.change).collect()
        }
        (_, None) => declarations.changes,
    };
    if let Some(kind) = &filter.kind {
        changes.retain(|change| change.kind.as_ref() == Some(kind));
    }
    Ok(ChangeList { dependency: name.clone(), from: filter.from.clone(), to: filter.to.clone(), changes })
}

/// What the commit of the checkout declares.
pub(super) fn of_checkout(
    workspace: &Workspace,
    store: &Store,
    name: &DependencyName,
) -> Result<Declarations> {
    let path = workspace.checkout(name);
    tracing::debug!(dependency = %name, path = %path.display(), "nothing was fetched; the checkout is asked");
    match store.head()? {
        Some(head) => Ok(store.declarations_at(&head)?.unwrap_or_default()),
        None => Ok(Declarations::default()),
    }
}
