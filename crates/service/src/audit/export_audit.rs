//! The audit trail as a file.

use crate::audit::ExportFormat;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::EventFilter;
use backstay_model::Caller;
use bytes::Bytes;
use futures_util::stream::BoxStream;

impl Service {
    /// Streams the matching events, oldest first, as lines of CSV or JSON Lines, with flat memory. Beginning an export is an event.
    pub async fn export_audit(
        &self,
        caller: &Caller,
        filter: &EventFilter,
        format: ExportFormat,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let _ = (self, caller, filter, format);
        Err(ServiceError::unfinished("export_audit"))
    }
}
