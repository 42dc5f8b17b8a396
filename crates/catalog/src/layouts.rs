//! Layouts of dashboards, by name.

use backstay_model::{TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A layout.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutRow {
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Its name, unique per tenant.
    pub name: String,
    /// What a person wrote about it.
    pub description: String,
    /// What dashboards keep in it.
    pub body: Json,
    /// When it was saved.
    pub saved_at: Timestamp,
}

const COLUMNS: &str = "tenant_id, name, description, body, saved_at";

impl Record for LayoutRow {
    const TABLE: &'static str = "layouts";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            tenant: fields.parsed()?,
            name: fields.text()?,
            description: fields.text()?,
            body: fields.json()?,
            saved_at: fields.time()?,
        })
    }
}

impl Session {
    /// The layout of this name.
    pub async fn layout(&mut self, tenant: &TenantId, name: &str) -> Result<Option<LayoutRow>> {
        let text = format!("SELECT {COLUMNS} FROM layouts WHERE tenant_id = $1 AND name = $2");
        self.one(sql("read a layout", text).bind(tenant).bind(name)).await
    }

    /// The layouts of a tenant, by name; at most `limit`.
    pub async fn list_layouts(&mut self, tenant: &TenantId, limit: u32) -> Result<Vec<LayoutRow>> {
        let text = format!("SELECT {COLUMNS} FROM layouts WHERE tenant_id = $1 ORDER BY name LIMIT {limit}");
        self.all(sql("list layouts", text).bind(tenant)).await
    }

    /// How many layouts a tenant has.
    pub async fn count_layouts(&mut self, tenant: &TenantId) -> Result<u64> {
        let text = "SELECT count(*) FROM layouts WHERE tenant_id = $1";
        Ok(self.number(sql("count layouts", text).bind(tenant)).await?.unwrap_or(0) as u64)
    }
}

impl Tx {
    /// Saves a layout; one of the same name is replaced.
    pub async fn save_layout(&mut self, row: &LayoutRow) -> Result<()> {
        let text = format!(
            "INSERT INTO layouts ({COLUMNS}) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (tenant_id, name) DO UPDATE SET
                 description = excluded.description, body = excluded.body, saved_at = excluded.saved_at"
        );
        let statement = sql("save a layout", text)
            .bind(&row.tenant)
            .bind(&row.name)
            .bind(&row.description)
            .bind(&row.body)
            .bind(row.saved_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Deletes a layout.
    pub async fn delete_layout(&mut self, tenant: &TenantId, name: &str) -> Result<()> {
        let text = "DELETE FROM layouts WHERE tenant_id = $1 AND name = $2";
        match self.execute(sql("delete a layout", text).bind(tenant).bind(name)).await? {
            0 => Err(CatalogError::not_found("layout", &name)),
            _ => Ok(()),
        }
    }
}
