//! Copies snapshots to a second repository.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::CopyReport;
use backstay_model::{Caller, SnapshotId};
use backstay_repository::Repository;

impl Service {
    /// Copies the given snapshots (all when empty) to `destination`; those that are there are not copied again.
    pub async fn copy_snapshots(
        &self,
        caller: &Caller,
        snapshots: &[SnapshotId],
        destination: &Repository,
        run: &Run,
    ) -> Result<CopyReport> {
        let _ = (self, caller, snapshots, destination, run);
        Err(ServiceError::unfinished("copy_snapshots"))
    }
}
