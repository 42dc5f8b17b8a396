//! The git of a workspace, for whoever reads or changes its dependencies.

use std::path::Path;
use std::time::Duration;

use backstay_dependencies::git::{Git, Stop};
use backstay_repository::Cancel;
use backstay_source_workspace::WorkspaceError;

use crate::error::Result;
use crate::run::Run;

/// Git that stops when the caller cancels.
pub(crate) fn git_of(cancel: &Cancel) -> Git {
    let cancel = cancel.clone();
    Git::new(Stop::when(move || cancel.is_cancelled()))
}

/// Git that stops when `run` is cancelled, and that tells the progress of what it fetches.
pub(crate) fn git_of_run(run: &Run) -> Git {
    let progress = run.progress.clone();
    git_of(&run.cancel).heard(move |line| {
        progress.current(line.as_bytes());
        progress.advance(0, 0);
    })
}

/// Git says by this file that it is changing the index. Ours is gone when a recovery came first.
const INDEX_LOCK: &str = ".git/index.lock";

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// Waits until git has changed the index, at most as long as `run` waits for a lock; then it is `Busy`.
pub(crate) async fn wait_for_git(root: &Path, run: &Run) -> Result<()> {
    let mut left = run.wait;
    while root.join(INDEX_LOCK).symlink_metadata().is_ok() {
        if left.is_zero() {
            return Err(WorkspaceError::Taken { path: INDEX_LOCK.to_owned() }.into());
        }
        run.cancel.check()?;
        let turn = left.min(INTERVAL);
        tokio::time::sleep(turn).await;
        left -= turn;
    }
    Ok(())
}
