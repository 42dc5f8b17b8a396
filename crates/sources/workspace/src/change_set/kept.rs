//! Directories that a change of the workspace takes away and that its undo needs.
//!
//! They are moved, not copied: at the flip into the stage, with everything else that goes, and from there, when all of it is
//! durable, to `.backstay/kept/<operation>`.

use std::path::{Path, PathBuf};

use backstay_model::OperationId;
use rustix::io::Errno;

use super::stage::Stage;
use crate::error::{Result, WorkspaceError};
use crate::exclude::OWN_DIRECTORY;
use crate::fs::{Dir, c_name};

/// Their directory, in a stage and below `.backstay`.
pub(super) const KEPT: &[u8] = b"kept";

/// Where the directory is that `operation` set aside under `name`, if it did and it is still kept.
pub fn kept(root: &Path, operation: &OperationId, name: &str) -> PathBuf {
    directory(root).join(operation.as_str()).join(name)
}

/// Forgets what operations set aside, except those that `is_needed`. Returns how many were forgotten.
pub fn forget_kept(root: &Path, is_needed: impl Fn(&str) -> bool) -> Result<usize> {
    let failed = |source| WorkspaceError::Path {
        operation: "remove",
        path: directory(root).display().to_string(),
        source,
    };
    let entries = match std::fs::read_dir(directory(root)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(error)),
    };
    let mut forgotten = 0;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_str().is_some_and(&is_needed) {
            std::fs::remove_dir_all(entry.path()).map_err(failed)?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

fn directory(root: &Path) -> PathBuf {
    root.join(OWN_DIRECTORY).join("kept")
}

/// Moves what `stage` set aside to where it is kept, durably; can be repeated.
pub(super) fn keep(own: &Dir, stage: &Stage, operation: &OperationId) -> Result<()> {
    let failed = |errno| WorkspaceError::path("create", b".backstay/kept", errno);
    if stage.dir.stat_beneath(KEPT).map_err(failed)?.is_none() {
        return Ok(());
    }
    let name = c_name(KEPT).map_err(failed)?;
    match own.make_dir(&name) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let kept = own.open_dir(&name).map_err(failed)?;
    rustix::fs::renameat(stage.dir.fd(), &*name, kept.fd(), operation.as_str()).map_err(failed)?;
    rustix::fs::fsync(kept.fd()).map_err(failed)
}
