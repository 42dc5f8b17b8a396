//! What was created, restored and deleted, from the event log.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{HistoryEntry, HistoryFilter};
use backstay_model::Caller;

impl Service {
    /// Lists the history of snapshots, newest first.
    pub async fn snapshot_history(
        &self,
        caller: &Caller,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<HistoryEntry>> {
        let _ = (self, caller, filter, page);
        Err(ServiceError::unfinished("snapshot_history"))
    }
}
