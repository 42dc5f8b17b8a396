//! The tree of a snapshot.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Entry, EntryOptions};
use backstay_model::{Caller, SnapshotId};

impl Service {
    /// Lists entries in the order of their paths (bytes).
    pub async fn list_entries(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        options: &EntryOptions,
        page: &PageRequest,
    ) -> Result<Page<Entry>> {
        let _ = (self, caller, id, options, page);
        Err(ServiceError::unfinished("list_entries"))
    }

    /// Shows the entry at `path`; `None` when there is none.
    pub async fn show_entry(&self, caller: &Caller, id: &SnapshotId, path: &[u8]) -> Result<Option<Entry>> {
        let _ = (self, caller, id, path);
        Err(ServiceError::unfinished("show_entry"))
    }
}
