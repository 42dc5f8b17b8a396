//! How a workspace is captured.

use std::path::PathBuf;

use crate::exclude::ExcludeOptions;
use crate::selection::Selection;

/// How a workspace is captured.
#[derive(Debug, Clone, Default)]
pub struct CaptureOptions {
    /// The paths to capture; each must exist, unless `allow_missing`.
    pub selection: Selection,
    /// What is left out.
    pub excludes: ExcludeOptions,
    /// A local repository, which is left out when it lies in the workspace.
    pub repository: Option<PathBuf>,
    /// Note what cannot be read, and go on; the snapshot is then partial.
    pub allow_unreadable: bool,
    /// A named path that does not exist belongs to the snapshot as one where nothing was.
    pub allow_missing: bool,
    /// Fail when a file changes each time it is read, instead of warning.
    pub strict: bool,
}
