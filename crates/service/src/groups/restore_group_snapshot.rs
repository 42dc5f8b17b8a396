//! Puts a captured group back.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::GroupRestore;
use backstay_model::Caller;

impl Service {
    /// Restores every member under all locks.
    pub async fn restore_group_snapshot(
        &self,
        caller: &Caller,
        group: &str,
        group_snapshot: &str,
        run: &Run,
    ) -> Result<GroupRestore> {
        let _ = (self, caller, group, group_snapshot, run);
        Err(ServiceError::unfinished("restore_group_snapshot"))
    }

    /// Queues the same for a worker.
    pub async fn queue_group_restore(
        &self,
        caller: &Caller,
        group: &str,
        group_snapshot: &str,
    ) -> Result<GroupRestore> {
        let _ = (self, caller, group, group_snapshot);
        Err(ServiceError::unfinished("queue_group_restore"))
    }
}
