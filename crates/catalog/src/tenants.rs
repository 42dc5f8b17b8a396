//! Tenants: the boundaries of visibility.

use backstay_model::{TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A tenant. The embedded default has one, `default`, which always exists.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantRow {
    /// Its id.
    pub id: TenantId,
    /// Its name, unique.
    pub name: String,
    /// Settings.
    pub settings: Json,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Record for TenantRow {
    const TABLE: &'static str = "tenants";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            name: fields.text()?,
            settings: fields.json()?,
            created_at: fields.time()?,
        })
    }
}

impl Session {
    /// The tenant with this id.
    pub async fn tenant(&mut self, id: &TenantId) -> Result<Option<TenantRow>> {
        let text = "SELECT id, name, settings, created_at FROM tenants WHERE id = $1";
        self.one(sql("read a tenant", text).bind(id)).await
    }

    /// All tenants, by name.
    pub async fn tenants(&mut self) -> Result<Vec<TenantRow>> {
        self.all(sql("list tenants", "SELECT id, name, settings, created_at FROM tenants ORDER BY name"))
            .await
    }
}

impl Tx {
    /// Adds a tenant; its name must be free.
    pub async fn insert_tenant(&mut self, row: &TenantRow) -> Result<()> {
        let text = "INSERT INTO tenants (id, name, settings, created_at) VALUES ($1, $2, $3, $4)";
        let statement =
            sql("add a tenant", text).bind(&row.id).bind(&row.name).bind(&row.settings).bind(row.created_at);
        self.execute(statement).await.map(|_| ())
    }
}
