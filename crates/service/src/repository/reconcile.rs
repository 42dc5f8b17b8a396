//! Brings a catalog and a repository together that have come apart.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::ReconcileReport;
use backstay_model::Caller;

impl Service {
    /// Adopts manifests that the catalog neither knows nor has a tombstone of, marks ready rows whose manifest is gone, closes
    /// captures whose lease has run out, and finishes interrupted deletions. Runs at the start of a server.
    pub async fn reconcile(&self, caller: &Caller, run: &Run) -> Result<ReconcileReport> {
        let _ = (self, caller, run);
        Err(ServiceError::unfinished("reconcile"))
    }
}
