//! The bytes of a snapshot: one file, or a subtree.

use backstay_model::{Caller, SnapshotId};

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Entry;

pub use backstay_repository::ContentReader;

/// A file of a snapshot, opened for reading at any place.
#[derive(Debug)]
pub struct OpenContent {
    /// The entry of the file.
    pub entry: Entry,
    /// Identifies the content: equal texts mean equal bytes. 64 hexadecimal digits.
    pub etag: String,
    /// Reads the content; blocks, so it belongs on a blocking thread. Implements `Read` and `Seek`.
    pub reader: ContentReader,
}

/// A subtree of a snapshot, entry by entry in the order of the paths; every directory before what is in it.
///
/// It blocks, so it belongs on a blocking thread.
#[derive(Debug)]
pub struct Subtree {}

/// One entry of a [`Subtree`].
#[derive(Debug)]
pub struct SubtreeItem {
    /// The entry; its path is relative to the root of the snapshot.
    pub entry: Entry,
    /// The content of a regular file.
    pub reader: Option<ContentReader>,
}

impl Iterator for Subtree {
    type Item = Result<SubtreeItem>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl Service {
    /// Opens the regular file at `path`.
    ///
    /// Errors: `NotFound` with `Path not found`, `Conflict` when it is no regular file or the snapshot is not ready.
    pub async fn open_content(&self, caller: &Caller, id: &SnapshotId, path: &[u8]) -> Result<OpenContent> {
        let _ = (self, caller, id, path);
        Err(ServiceError::unfinished("open_content"))
    }

    /// Opens the subtree at `path` (empty for everything).
    pub async fn open_subtree(&self, caller: &Caller, id: &SnapshotId, path: &[u8]) -> Result<Subtree> {
        let _ = (self, caller, id, path);
        Err(ServiceError::unfinished("open_subtree"))
    }
}
