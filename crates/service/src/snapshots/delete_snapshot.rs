//! Deletes a snapshot.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use backstay_model::{Caller, SnapshotId};

impl Service {
    /// Deletes a snapshot: the row becomes `deleting` with its event (the commit point), the manifest is removed, the row becomes a
    /// tombstone. Content is left to collection. Deleting what is being deleted finishes it.
    ///
    /// Errors: `Conflict` with `Snapshot is pinned`, `Snapshot is held`, `Snapshot is a member of group …`, or while it is
    /// being written or needed by an unfinished operation.
    pub async fn delete_snapshot(&self, caller: &Caller, id: &SnapshotId, reason: &str) -> Result<()> {
        let _ = (self, caller, id, reason);
        Err(ServiceError::unfinished("delete_snapshot"))
    }
}
