//! Takes a dependency out of the workspace.

use super::index::GitFiles;
use crate::change::{Draft, Step};
use crate::error::{DependencyError, Result};
use crate::git::Store;
use crate::name::DependencyName;
use crate::workspace::Workspace;

/// Refuses to remove what would be lost: changed or new files of the checkout (unless they are kept), and commits that
/// exist nowhere else.
pub fn why_not_removed(
    store: &Store,
    workspace: &Workspace,
    name: &DependencyName,
    keep_files: bool,
) -> Result<()> {
    let directory = workspace.checkout(name);
    if !keep_files && directory.join(".git").symlink_metadata().is_ok() {
        let mut lost = store.dirty(&directory)?;
        lost.extend(store.untracked(&directory)?);
        if !lost.is_empty() {
            let shown = |path: &Vec<u8>| crate::name::shown(&String::from_utf8_lossy(path));
            let paths = lost.iter().take(5).map(shown).collect();
            return Err(DependencyError::Dirty { name: name.to_string(), paths });
        }
    }
    match store.unpushed()? {
        0 => Ok(()),
        commits => Err(DependencyError::Unpushed { name: name.to_string(), commits }),
    }
}

/// The steps after which neither the checkout nor the store (which is set aside) nor any mention in git's files is left; with `keep_files` the
/// files of the checkout stay as plain files.
pub fn draft_removal(
    workspace: &Workspace,
    files: &mut GitFiles,
    draft: &mut Draft,
    name: &DependencyName,
    keep_files: bool,
) -> Result<()> {
    let module = files.registry().module_of(name)?;
    files.unregister(name)?;
    let there = |path: &str| workspace.root().join(path).symlink_metadata().is_ok();
    let checkout = name.checkout();
    let gone = if keep_files { format!("{checkout}/.git") } else { checkout };
    if there(&gone) {
        draft.push(Step::RemoveTree { path: gone.into() });
    }
    let store = format!(".git/modules/{module}");
    if there(&store) {
        draft.push(Step::SetAside { path: store.into(), name: name.to_string() });
    }
    Ok(())
}
