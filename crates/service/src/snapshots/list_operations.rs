//! What was changed by restores and undos.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::Operation;
use backstay_model::{Caller, OperationId, SourceId};

impl Service {
    /// Lists the operations of a source, newest first.
    pub async fn list_operations(
        &self,
        caller: &Caller,
        source: Option<&SourceId>,
        page: &PageRequest,
    ) -> Result<Page<Operation>> {
        let _ = (self, caller, source, page);
        Err(ServiceError::unfinished("list_operations"))
    }

    /// Shows an operation.
    pub async fn show_operation(&self, caller: &Caller, id: &OperationId) -> Result<Operation> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_operation"))
    }

    /// Asks a running operation to stop. It stops before its commit record, or not at all.
    pub async fn cancel_operation(&self, caller: &Caller, id: &OperationId) -> Result<Operation> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("cancel_operation"))
    }
}
