//! The snapshots that a caller sees.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Snapshot, SnapshotFilter};
use backstay_model::Caller;

impl Service {
    /// Lists snapshots, newest first.
    pub async fn list_snapshots(
        &self,
        caller: &Caller,
        filter: &SnapshotFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>> {
        let _ = (self, caller, filter, page);
        Err(ServiceError::unfinished("list_snapshots"))
    }
}
