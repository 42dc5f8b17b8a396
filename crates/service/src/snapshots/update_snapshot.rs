//! Changes the label or the description of a snapshot.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{Snapshot, SnapshotChange};
use backstay_model::{Caller, SnapshotId};

impl Service {
    /// Changes label or description in the catalog. The manifest in the repository keeps what the capture was given.
    pub async fn update_snapshot(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        change: SnapshotChange,
    ) -> Result<Snapshot> {
        let _ = (self, caller, id, change);
        Err(ServiceError::unfinished("update_snapshot"))
    }
}
