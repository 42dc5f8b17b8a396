//! The sources of a tenant.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Source, SourceFilter};
use backstay_model::Caller;

impl Service {
    /// Lists sources by name.
    pub async fn list_sources(
        &self,
        caller: &Caller,
        filter: &SourceFilter,
        page: &PageRequest,
    ) -> Result<Page<Source>> {
        let _ = (self, caller, filter, page);
        Err(ServiceError::unfinished("list_sources"))
    }
}
