//! The git of a workspace, for whoever reads or changes its dependencies.

use std::path::Path;

use backstay_dependencies::git::{Git, Stop};
use backstay_repository::Cancel;
use backstay_source_workspace::WorkspaceError;

use crate::error::Result;

/// Git that stops when the caller cancels.
pub(crate) fn git_of(cancel: &Cancel) -> Git {
    let cancel = cancel.clone();
    Git::new(Stop::when(move || cancel.is_cancelled()))
}

/// Git says by this file that it is changing the index. Ours is gone when a recovery came first.
pub(crate) fn refuse_git_at_work(root: &Path) -> Result<()> {
    let path = ".git/index.lock";
    match root.join(path).symlink_metadata() {
        Ok(_) => Err(WorkspaceError::Taken { path: path.to_owned() }.into()),
        Err(_) => Ok(()),
    }
}
