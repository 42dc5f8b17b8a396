//! Plans: what a destructive act would do, bound to the state in which it was made.

use backstay_model::{Actor, SourceId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRow {
    /// Its id.
    pub id: String,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Which source it changes.
    pub source: SourceId,
    /// What it plans: `restore`, `prune` and so on.
    pub kind: String,
    /// The source's serial when it was made; at another one it is stale.
    pub state_serial: u64,
    /// What it would do.
    pub body: Json,
    /// Who made it.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was carried out.
    pub used_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, tenant_id, source_id, kind, state_serial, body, created_by, created_at, expires_at, used_at";

impl Record for PlanRow {
    const TABLE: &'static str = "plans";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.text()?,
            tenant: fields.parsed()?,
            source: fields.parsed()?,
            kind: fields.text()?,
            state_serial: fields.count()?,
            body: fields.json()?,
            created_by: fields.json()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
            used_at: fields.optional_time()?,
        })
    }
}

impl Session {
    /// The plan with this id.
    pub async fn plan(&mut self, id: &str) -> Result<Option<PlanRow>> {
        let text = format!("SELECT {COLUMNS} FROM plans WHERE id = $1");
        self.one(sql("read a plan", text).bind(id)).await
    }
}

impl Tx {
    /// Adds a plan.
    pub async fn insert_plan(&mut self, row: &PlanRow) -> Result<()> {
        let text = format!("INSERT INTO plans ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        let statement = sql("add a plan", text)
            .bind(&row.id)
            .bind(&row.tenant)
            .bind(&row.source)
            .bind(&row.kind)
            .bind(row.state_serial)
            .bind(&row.body)
            .bind(serde_json::json!(row.created_by).to_string())
            .bind(row.created_at)
            .bind(row.expires_at)
            .bind(row.used_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Uses a plan up. It must be unused, not ended, and the source must still be in the planned state;
    /// otherwise a [`CatalogError::Conflict`] whose `found` says which.
    pub async fn use_plan(&mut self, id: &str, now: Timestamp) -> Result<PlanRow> {
        let text = format!(
            "UPDATE plans SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2
                 AND state_serial = (SELECT state_serial FROM sources WHERE sources.id = plans.source_id)
             RETURNING {COLUMNS}"
        );
        if let Some(row) = self.one(sql("use a plan", text).bind(id).bind(now)).await? {
            return Ok(row);
        }
        let found = match self.plan(id).await? {
            None => return Err(CatalogError::not_found("plan", &id)),
            Some(plan) if plan.used_at.is_some() => "used",
            Some(plan) if plan.expires_at <= now => "expired",
            Some(_) => "stale",
        };
        Err(CatalogError::Conflict { what: "plan", id: id.to_owned(), found: found.to_owned() })
    }
}
