//! Applies retention.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::PruneResult;
use backstay_model::retention::Rules;
use backstay_model::{Caller, SourceId};

impl Service {
    /// Decides about every snapshot of a source, with reasons; deletes what no rule keeps unless `dry_run`. Without `rules`
    /// those of the source; without those nothing is deleted.
    pub async fn prune_snapshots(
        &self,
        caller: &Caller,
        source: &SourceId,
        rules: Option<Rules>,
        dry_run: bool,
    ) -> Result<PruneResult> {
        let _ = (self, caller, source, rules, dry_run);
        Err(ServiceError::unfinished("prune_snapshots"))
    }
}
