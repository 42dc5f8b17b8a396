//! Heals what can be healed.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::RepairReport;
use backstay_model::Caller;
use backstay_repository::Repository;

impl Service {
    /// Rebuilds indexes from packs and takes damaged or missing chunks over from `healthy` when given.
    pub async fn repair_repository(
        &self,
        caller: &Caller,
        healthy: Option<&Repository>,
        run: &Run,
    ) -> Result<RepairReport> {
        let _ = (self, caller, healthy, run);
        Err(ServiceError::unfinished("repair_repository"))
    }
}
