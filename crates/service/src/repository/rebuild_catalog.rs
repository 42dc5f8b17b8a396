//! Recreates catalog rows from the repository alone.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::RebuildReport;
use backstay_model::Caller;

impl Service {
    /// Creates a source and a snapshot row for every manifest that the catalog does not know. For an empty catalog.
    pub async fn rebuild_catalog(&self, caller: &Caller, run: &Run) -> Result<RebuildReport> {
        let _ = (self, caller, run);
        Err(ServiceError::unfinished("rebuild_catalog"))
    }
}
