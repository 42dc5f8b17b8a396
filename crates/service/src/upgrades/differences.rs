//! Whether a workspace is as a snapshot has it.

use std::path::{Path, PathBuf};

use backstay_source::RestoreContext;
use backstay_source_workspace::{self as workspace, DiffOptions};

use crate::error::Result;
use crate::snapshots::Stored;

/// The paths that are not as the snapshot has them, by what they contain and are. Times of directories, which change with
/// what happens inside, do not count.
pub(super) fn differences(
    stored: &Stored,
    root: &Path,
    repository: Option<&PathBuf>,
    context: &RestoreContext,
) -> Result<Vec<String>> {
    let opened = stored.open()?;
    let options = DiffOptions { renames: false, repository: repository.cloned(), ..DiffOptions::default() };
    let changes = workspace::diff_live(&opened.reader, &opened.manifest, root, &options, context)?;
    let paths = changes.into_iter().filter(|change| !crate::restore::is_only_directory_time(change));
    Ok(paths.map(|change| String::from_utf8_lossy(&change.path).into_owned()).collect())
}
