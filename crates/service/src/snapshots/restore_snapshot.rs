//! Puts a snapshot back.

use std::path::Path;

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::{Operation, QueuedOperation, RestoreReport, RestoreRequest};
use backstay_model::{Caller, SnapshotId, SourceId};

impl Service {
    /// Executes a plan, now, in this process: lock, safety snapshot, stage, check every hash, flip, operation row and event.
    ///
    /// Errors: `Conflict` with code `stale_plan` when the state has another serial or the plan has expired, `Damaged` before
    /// anything is written, `Busy`. After an error the workspace is as it was.
    pub async fn restore_snapshot(&self, caller: &Caller, plan: &str, run: &Run) -> Result<Operation> {
        let _ = (self, caller, plan, run);
        Err(ServiceError::unfinished("restore_snapshot"))
    }

    /// Queues the same for a worker.
    pub async fn queue_restore(
        &self,
        caller: &Caller,
        source: &SourceId,
        plan: &str,
        idempotency_key: Option<&str>,
    ) -> Result<QueuedOperation> {
        let _ = (self, caller, source, plan, idempotency_key);
        Err(ServiceError::unfinished("queue_restore"))
    }

    /// Restores into a directory that is empty or does not exist. No safety snapshot and no operation: nothing is replaced.
    pub async fn restore_to(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        request: RestoreRequest,
        target: &Path,
        run: &Run,
    ) -> Result<RestoreReport> {
        let _ = (self, caller, id, request, target, run);
        Err(ServiceError::unfinished("restore_to"))
    }
}
