//! Tenants.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{NewTenant, Tenant};
use backstay_model::Caller;

impl Service {
    /// Creates a tenant.
    pub async fn create_tenant(&self, caller: &Caller, new: NewTenant) -> Result<Tenant> {
        let _ = (self, caller, new);
        Err(ServiceError::unfinished("create_tenant"))
    }

    /// Lists the tenants that the caller sees.
    pub async fn list_tenants(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Tenant>> {
        let _ = (self, caller, page);
        Err(ServiceError::unfinished("list_tenants"))
    }
}
