//! Takes a snapshot.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::{NewSnapshot, QueuedSnapshot, Snapshot};
use backstay_model::{Caller, SourceId};

impl Service {
    /// Takes a snapshot of a source, now, in this process.
    ///
    /// Commit point: the catalog transaction that sets `ready`. When it returns an error, the snapshot is `failed`, with
    /// the reason, and nothing else is changed. A partial snapshot is a success with `partial` set and warnings.
    ///
    /// Errors: `Busy` with the owner when the workspace is locked for longer than `run.wait`.
    pub async fn create_snapshot(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: NewSnapshot,
        run: &Run,
    ) -> Result<Snapshot> {
        let _ = (self, caller, source, new, run);
        Err(ServiceError::unfinished("create_snapshot"))
    }

    /// Queues the same for a worker. The snapshot exists at once, in state `creating`.
    ///
    /// With the `idempotency_key` of an earlier request it answers as that one did and queues nothing.
    pub async fn queue_snapshot(
        &self,
        caller: &Caller,
        source: &SourceId,
        new: NewSnapshot,
        idempotency_key: Option<&str>,
    ) -> Result<QueuedSnapshot> {
        let _ = (self, caller, source, new, idempotency_key);
        Err(ServiceError::unfinished("queue_snapshot"))
    }
}
