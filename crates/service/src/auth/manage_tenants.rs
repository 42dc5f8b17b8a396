//! Tenants.

use backstay_catalog::{CatalogError, TenantRow};
use backstay_model::{Action, Caller, Subject, TenantId};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service};
use crate::view::{NewTenant, Tenant};

impl Service {
    /// Creates a tenant. `Conflict` when its id or name is taken.
    pub async fn create_tenant(&self, caller: &Caller, new: NewTenant) -> Result<Tenant> {
        self.permit(caller, None, Action::ManageTenants, &Subject::new("tenant", &new.name)).await?;
        let mut fields = Fields::default();
        fields.check(!new.name.trim().is_empty(), "name", "it must not be blank");
        fields.line("name", &new.name, 100);
        fields.finish()?;
        let now = self.now();
        let row = TenantRow {
            id: new.id.unwrap_or_else(|| TenantId::generate(now, &**self.rng())),
            name: new.name,
            settings: json!({}),
            created_at: now,
        };
        let mut tx = self.begin().await?;
        tx.insert_tenant(&row).await.map_err(|error| match error {
            CatalogError::Duplicate { field, .. } => {
                ServiceError::conflict(format!("A tenant with this {field} exists already"))
            }
            error => error.into(),
        })?;
        let mut event = self.event(caller, "tenant.created", Subject::new("tenant", &row.id));
        event.tenant = row.id.clone();
        tx.record(event.with(json!({"name": row.name})));
        tx.commit().await?;
        Ok(view(row))
    }

    /// Lists the tenants that the caller sees, by name.
    pub async fn list_tenants(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Tenant>> {
        self.permit(caller, None, Action::View, &Subject::new("tenants", "all")).await?;
        let mut rows = self.read().await?.tenants().await?;
        rows.retain(|row| caller.sees(&row.id));
        Ok(page.cut(rows)?.map(view))
    }
}

fn view(row: TenantRow) -> Tenant {
    Tenant { id: row.id, name: row.name, created_at: row.created_at }
}
