//! What was seen at a path, to find out later whether someone changed it.

use std::path::Path;

use super::operations::Identity;
use crate::error::{Result, WorkspaceError};
use crate::fs::Dir;

/// What was at a path at some moment: an entry in a certain state, or nothing.
///
/// A state is told by inode, size and times, of a directory by its inode alone. An edit within one tick of the file
/// system's clock that changes none of them goes unnoticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(pub(super) Option<Identity>);

impl Seen {
    /// Nothing is there.
    pub const NOTHING: Self = Self(None);

    /// Looks at `path` below the workspace `root`, following no link.
    pub fn look(root: &Path, path: &[u8]) -> Result<Self> {
        let dir = Dir::open_root(root).map_err(|errno| WorkspaceError::Path {
            operation: "open",
            path: root.display().to_string(),
            source: errno.into(),
        })?;
        Identity::now(&dir, path).map(Self)
    }

    /// The state in which a snapshot holds an entry.
    pub fn stored(entry: &backstay_repository::Entry) -> Self {
        Self(Some(Identity::of_stored(entry)))
    }
}
