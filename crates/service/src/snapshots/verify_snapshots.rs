//! Reads snapshots back to prove that they are there.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::{VerifyDepth, VerifyReport, VerifyScope};
use backstay_model::{Caller, TaskId};

impl Service {
    /// Verifies, now, in this process. Snapshots that lose by damage are marked, those found whole are unmarked.
    pub async fn verify_snapshots(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        depth: VerifyDepth,
        run: &Run,
    ) -> Result<VerifyReport> {
        let _ = (self, caller, scope, depth, run);
        Err(ServiceError::unfinished("verify_snapshots"))
    }

    /// Queues the same for a worker; its result is the report.
    pub async fn queue_verify(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        depth: VerifyDepth,
    ) -> Result<TaskId> {
        let _ = (self, caller, scope, depth);
        Err(ServiceError::unfinished("queue_verify"))
    }
}
