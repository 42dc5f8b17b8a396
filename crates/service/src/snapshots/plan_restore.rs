//! What a restore would do.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{RestorePlan, RestoreRequest};
use backstay_model::{Caller, SnapshotId};

impl Service {
    /// Plans a restore of a snapshot into its workspace. The plan is kept and bound to the present `state_serial`.
    pub async fn plan_restore(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        request: RestoreRequest,
    ) -> Result<RestorePlan> {
        let _ = (self, caller, id, request);
        Err(ServiceError::unfinished("plan_restore"))
    }
}
