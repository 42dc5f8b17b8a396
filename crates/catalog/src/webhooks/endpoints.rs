//! Webhook endpoints.

use backstay_model::{TenantId, Timestamp, WebhookId};

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// An endpoint that is told of events.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its id.
    pub id: WebhookId,
    /// Of which tenant's events it is told.
    pub tenant: TenantId,
    /// Where to send to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The secret that signs what is sent.
    pub secret: Vec<u8>,
    /// Actions, or the beginnings of actions, of which it is told; empty: all.
    pub actions: Vec<String>,
    /// Whether it is told at all.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Since when nothing could be delivered.
    pub failing_since: Option<Timestamp>,
}

/// The secret is left out.
impl std::fmt::Debug for WebhookRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookRow")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("url", &self.url)
            .field("actions", &self.actions)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "id, tenant_id, url, description, secret, enabled, created_at, updated_at, failing_since";

impl Record for WebhookRow {
    const TABLE: &'static str = "webhooks";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            tenant: fields.parsed()?,
            url: fields.text()?,
            description: fields.optional_text()?,
            secret: fields.bytes()?,
            actions: Vec::new(),
            enabled: fields.flag()?,
            created_at: fields.time()?,
            updated_at: fields.time()?,
            failing_since: fields.optional_time()?,
        })
    }
}

struct Wanted(String);

impl Record for Wanted {
    const TABLE: &'static str = "webhook_actions";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        fields.text().map(Self)
    }
}

/// What to change of an endpoint; `None` leaves a field as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// A new address.
    pub url: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new secret.
    pub secret: Option<Vec<u8>>,
    /// New actions.
    pub actions: Option<Vec<String>>,
    /// Whether it is told at all.
    pub enabled: Option<bool>,
}

impl Session {
    /// The endpoint with this id.
    pub async fn webhook(&mut self, id: &WebhookId) -> Result<Option<WebhookRow>> {
        let text = format!("SELECT {COLUMNS} FROM webhooks WHERE id = $1");
        match self.one(sql("read a webhook", text).bind(id)).await? {
            Some(row) => self.with_actions(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The endpoints of a tenant, or all, oldest first.
    pub async fn webhooks(&mut self, tenant: Option<&TenantId>) -> Result<Vec<WebhookRow>> {
        let rows: Vec<WebhookRow> = if let Some(tenant) = tenant {
            let text = format!("SELECT {COLUMNS} FROM webhooks WHERE tenant_id = $1 ORDER BY created_at, id");
            self.all(sql("list webhooks", text).bind(tenant)).await?
        } else {
            let text = format!("SELECT {COLUMNS} FROM webhooks ORDER BY tenant_id, created_at, id");
            self.all(sql("list webhooks", text)).await?
        };
        let mut complete = Vec::with_capacity(rows.len());
        for row in rows {
            complete.push(self.with_actions(row).await?);
        }
        Ok(complete)
    }

    async fn with_actions(&mut self, mut row: WebhookRow) -> Result<WebhookRow> {
        let text =
            "SELECT prefix FROM webhook_actions WHERE webhook_id = $1 AND prefix <> '' ORDER BY prefix";
        let wanted: Vec<Wanted> = self.all(sql("read a webhook", text).bind(&row.id)).await?;
        row.actions = wanted.into_iter().map(|wanted| wanted.0).collect();
        Ok(row)
    }
}

impl Tx {
    /// Adds an endpoint; it is told of events that are committed from now on.
    pub async fn insert_webhook(&mut self, row: &WebhookRow) -> Result<()> {
        let text = format!("INSERT INTO webhooks ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
        let statement = sql("add a webhook", text)
            .bind(&row.id)
            .bind(&row.tenant)
            .bind(&row.url)
            .bind(&row.description)
            .bind(row.secret.as_slice())
            .bind(row.enabled)
            .bind(row.created_at)
            .bind(row.updated_at)
            .bind(row.failing_since);
        self.execute(statement).await?;
        self.set_webhook_actions(&row.id, &row.actions).await
    }

    /// Changes an endpoint; returns the changed row.
    pub async fn update_webhook(
        &mut self,
        id: &WebhookId,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<WebhookRow> {
        let text = "UPDATE webhooks SET url = coalesce($2, url), description = coalesce($3, description),
                        secret = coalesce($4, secret), enabled = coalesce($5, enabled), updated_at = $6
                    WHERE id = $1";
        let statement = sql("change a webhook", text)
            .bind(id)
            .bind(&change.url)
            .bind(&change.description)
            .bind(crate::sql::Value::Bytes(change.secret.clone()))
            .bind(change.enabled.map(i64::from))
            .bind(now);
        if self.execute(statement).await? == 0 {
            return Err(CatalogError::not_found("webhook", id));
        }
        if let Some(actions) = &change.actions {
            self.set_webhook_actions(id, actions).await?;
        }
        self.webhook(id).await?.ok_or_else(|| CatalogError::not_found("webhook", id))
    }

    /// Notes whether an endpoint fails: `Some` keeps the earliest time, `None` says that it works.
    pub async fn set_webhook_failing(&mut self, id: &WebhookId, since: Option<Timestamp>) -> Result<()> {
        let text = "UPDATE webhooks SET failing_since = CASE WHEN $2 IS NULL THEN $2 ELSE coalesce(failing_since, $2) END
                    WHERE id = $1";
        self.execute(sql("note a webhook", text).bind(id).bind(since)).await.map(|_| ())
    }

    /// Removes an endpoint with everything that was still to be sent to it.
    pub async fn delete_webhook(&mut self, id: &WebhookId) -> Result<()> {
        match self.execute(sql("remove a webhook", "DELETE FROM webhooks WHERE id = $1").bind(id)).await? {
            0 => Err(CatalogError::not_found("webhook", id)),
            _ => Ok(()),
        }
    }

    async fn set_webhook_actions(&mut self, id: &WebhookId, actions: &[String]) -> Result<()> {
        let clear = "DELETE FROM webhook_actions WHERE webhook_id = $1";
        self.execute(sql("change a webhook", clear).bind(id)).await?;
        let everything = [String::new()];
        for prefix in if actions.is_empty() { &everything[..] } else { actions } {
            let text = "INSERT INTO webhook_actions (webhook_id, prefix) VALUES ($1, $2)
                        ON CONFLICT (webhook_id, prefix) DO NOTHING";
            self.execute(sql("change a webhook", text).bind(id).bind(prefix)).await?;
        }
        Ok(())
    }
}
