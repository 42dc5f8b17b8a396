//! One snapshot.

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Snapshot;
use backstay_model::{Caller, SnapshotId, SourceId};

impl Service {
    /// Shows a snapshot with its warnings and attributes. A deleted one is not found, like an unknown one.
    pub async fn show_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_snapshot"))
    }

    /// Finds the snapshot that `text` names: `latest`, `latest~N`, an id, or a prefix of one id, with or without
    /// `snapshot-`; within `source`, or among all that the caller sees. `latest` counts ready snapshots that are no undo points.
    ///
    /// Errors: `NotFound`; `Invalid` when a prefix is ambiguous, with up to five candidates in the hint.
    pub async fn resolve_snapshot(
        &self,
        caller: &Caller,
        source: Option<&SourceId>,
        text: &str,
    ) -> Result<Snapshot> {
        let _ = (self, caller, source, text);
        Err(ServiceError::unfinished("resolve_snapshot"))
    }
}
