//! Undoes an operation.

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::{Operation, QueuedOperation};
use backstay_model::{Caller, OperationId};

impl Service {
    /// Undoes an operation as a new operation with its own safety snapshot, limited to the paths it changed; undoing an undo is
    /// redo. `Conflict` with code `conflict` and the paths in `fields` when one was edited since, unless `force`.
    pub async fn undo_operation(
        &self,
        caller: &Caller,
        id: &OperationId,
        force: bool,
        run: &Run,
    ) -> Result<Operation> {
        let _ = (self, caller, id, force, run);
        Err(ServiceError::unfinished("undo_operation"))
    }

    /// Queues the same for a worker.
    pub async fn queue_undo(
        &self,
        caller: &Caller,
        id: &OperationId,
        force: bool,
    ) -> Result<QueuedOperation> {
        let _ = (self, caller, id, force);
        Err(ServiceError::unfinished("queue_undo"))
    }
}
