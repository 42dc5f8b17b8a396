//! Captures every member of a group, all ready or none.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::GroupSnapshot;
use backstay_model::Caller;

impl Service {
    /// Locks the members in sorted order, captures them under all locks, and makes all ready in one transaction (the commit
    /// point), or none.
    pub async fn create_group_snapshot(
        &self,
        caller: &Caller,
        group: &str,
        label: &str,
        run: &Run,
    ) -> Result<GroupSnapshot> {
        let _ = (self, caller, group, label, run);
        Err(ServiceError::unfinished("create_group_snapshot"))
    }

    /// Queues the same for a worker.
    pub async fn queue_group_snapshot(
        &self,
        caller: &Caller,
        group: &str,
        label: &str,
        idempotency_key: Option<&str>,
    ) -> Result<GroupSnapshot> {
        let _ = (self, caller, group, label, idempotency_key);
        Err(ServiceError::unfinished("queue_group_snapshot"))
    }
}
