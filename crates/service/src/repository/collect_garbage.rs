//! Removes content that nothing references.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::CollectReport;
use backstay_model::{Caller, TaskId};

impl Service {
    /// Collects, in two phases with a grace period; `dry_run` only counts. Safe beside running captures.
    pub async fn collect_garbage(&self, caller: &Caller, dry_run: bool, run: &Run) -> Result<CollectReport> {
        let _ = (self, caller, dry_run, run);
        Err(ServiceError::unfinished("collect_garbage"))
    }

    /// Queues the same for a worker.
    pub async fn queue_collect(&self, caller: &Caller) -> Result<TaskId> {
        let _ = (self, caller);
        Err(ServiceError::unfinished("queue_collect"))
    }
}
