//! Holds and pins, which forbid the deletion of a snapshot.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Hold, NewHold, Snapshot};
use backstay_model::{Caller, HoldId, SnapshotId};

impl Service {
    /// Places a hold.
    pub async fn hold_snapshot(&self, caller: &Caller, id: &SnapshotId, new: NewHold) -> Result<Hold> {
        let _ = (self, caller, id, new);
        Err(ServiceError::unfinished("hold_snapshot"))
    }

    /// Releases a hold.
    pub async fn release_hold(&self, caller: &Caller, id: &HoldId) -> Result<()> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("release_hold"))
    }

    /// Lists the holds in force on a snapshot, newest first.
    pub async fn list_holds(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        page: &PageRequest,
    ) -> Result<Page<Hold>> {
        let _ = (self, caller, id, page);
        Err(ServiceError::unfinished("list_holds"))
    }

    /// Pins a snapshot. Pinning a pinned one changes nothing.
    pub async fn pin_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("pin_snapshot"))
    }

    /// Removes the pin. Unpinning one that is not pinned changes nothing.
    pub async fn unpin_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("unpin_snapshot"))
    }
}
