//! The webhooks of a tenant.

use backstay_catalog::{DeliveryRow, WebhookChange as RowChange, WebhookRow};
use backstay_model::{Action, Caller, Subject, WebhookId};
use serde_json::json;

use super::destination::check_url;
use super::signature::show_secret;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service};
use crate::view::{CreatedWebhook, Delivery, NewWebhook, Webhook, WebhookChange};

/// How many webhooks a tenant may have.
const MOST: usize = 100;

impl Service {
    /// Creates a webhook and its secret. It is told of events that are committed from then on.
    ///
    /// Errors: `Invalid` for a URL that is not http(s), has credentials in it, or names a private address while those are not
    /// allowed.
    pub async fn create_webhook(&self, caller: &Caller, new: NewWebhook) -> Result<CreatedWebhook> {
        let subject = Subject::new("webhook", "new");
        self.permit(caller, None, Action::ManageUsers, &subject).await?;
        check_url(&new.url, self.settings().webhooks_to_private_addresses)?;
        check_actions(&new.actions)?;
        if self.read().await?.webhooks(Some(&caller.tenant)).await?.len() >= MOST {
            return Err(ServiceError::conflict(format!("A tenant has at most {MOST} webhooks")));
        }

        let now = self.now();
        let mut secret = vec![0; 32];
        self.rng().fill(&mut secret);
        let row = WebhookRow {
            id: WebhookId::generate(now, &**self.rng()),
            tenant: caller.tenant.clone(),
            url: new.url,
            description: None,
            secret,
            actions: new.actions,
            enabled: true,
            created_at: now,
            updated_at: now,
            failing_since: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_webhook(&row).await?;
        let event = self.event(caller, "webhook.created", Subject::new("webhook", &row.id));
        tx.record(event.with(json!({"host": host_of(&row.url), "actions": row.actions})));
        tx.commit().await?;
        let secret = show_secret(&row.secret);
        Ok(CreatedWebhook { webhook: view(row), secret })
    }

    /// Lists webhooks, newest first.
    pub async fn list_webhooks(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Webhook>> {
        self.permit(caller, None, Action::ManageUsers, &Subject::new("webhooks", &caller.tenant)).await?;
        let mut rows = self.read().await?.webhooks(Self::visible_tenant(caller).as_ref()).await?;
        rows.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        Ok(page.cut(rows)?.map(view))
    }

    /// Shows a webhook.
    pub async fn show_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<Webhook> {
        Ok(view(self.permitted_webhook(caller, id).await?))
    }

    /// Changes a webhook. The secret stays.
    pub async fn update_webhook(
        &self,
        caller: &Caller,
        id: &WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook> {
        self.permitted_webhook(caller, id).await?;
        if let Some(url) = &change.url {
            check_url(url, self.settings().webhooks_to_private_addresses)?;
        }
        if let Some(actions) = &change.actions {
            check_actions(actions)?;
        }
        let data = json!({
            "host": change.url.as_deref().map(host_of), "actions": change.actions, "enabled": change.enabled,
        });
        let row_change = RowChange {
            url: change.url,
            actions: change.actions,
            enabled: change.enabled,
            ..RowChange::default()
        };
        let mut tx = self.begin().await?;
        let row = tx.update_webhook(id, &row_change, self.now()).await?;
        let mut event = self.event(caller, "webhook.updated", Subject::new("webhook", id)).with(data);
        event.tenant = row.tenant.clone();
        tx.record(event);
        tx.commit().await?;
        Ok(view(row))
    }

    /// Removes a webhook and what is queued for it.
    pub async fn remove_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<()> {
        let row = self.permitted_webhook(caller, id).await?;
        let mut tx = self.begin().await?;
        tx.delete_webhook(id).await?;
        let mut event = self.event(caller, "webhook.removed", Subject::new("webhook", id));
        event.tenant = row.tenant;
        tx.record(event);
        tx.commit().await?;
        Ok(())
    }

    /// Lists the deliveries of a webhook, newest first.
    pub async fn list_deliveries(
        &self,
        caller: &Caller,
        id: &WebhookId,
        page: &PageRequest,
    ) -> Result<Page<Delivery>> {
        self.permitted_webhook(caller, id).await?;
        let found: Page<DeliveryRow> =
            self.read().await?.list_deliveries(id, None, &page.paging()?).await?.into();
        Ok(found.map(delivery_view))
    }

    pub(super) async fn permitted_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<WebhookRow> {
        let row = self.read().await?.webhook(id).await?.ok_or_else(|| ServiceError::not_found("Webhook"))?;
        let subject = Subject::new("webhook", id);
        self.permit_in_tenant(caller, &row.tenant, Action::ManageUsers, &subject, "Webhook").await?;
        Ok(row)
    }
}

fn check_actions(actions: &[String]) -> Result<()> {
    let good = |action: &String| {
        (1..=100).contains(&action.len())
            && action.bytes().all(|b| b.is_ascii_lowercase() || b"_.".contains(&b))
    };
    let mut fields = Fields::default();
    fields.check(actions.len() <= 100, "actions", "it takes at most 100");
    fields.check(actions.iter().all(good), "actions", "each takes 1 to 100 small letters, `_` or `.`");
    fields.finish()
}

/// The host alone: what follows it in a URL is often a secret.
pub(crate) fn host_of(url: &str) -> String {
    reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn view(row: WebhookRow) -> Webhook {
    Webhook {
        id: row.id,
        tenant: row.tenant,
        url: row.url,
        actions: row.actions,
        enabled: row.enabled,
        created_at: row.created_at,
    }
}

fn delivery_view(row: DeliveryRow) -> Delivery {
    let pending = row.finished_at.is_none();
    Delivery {
        id: message_id(row.id),
        webhook: row.webhook,
        event_seq: Some(row.event_seq),
        state: row.state.as_str().to_owned(),
        attempts: row.attempts,
        last_status: row.last_status.and_then(|status| u16::try_from(status).ok()),
        last_error: row.last_error,
        created_at: row.created_at,
        next_attempt_at: pending.then_some(row.next_attempt_at),
    }
}

/// What the receiver tells deliveries apart by: the same for every attempt.
pub(super) fn message_id(delivery: i64) -> String {
    format!("msg_{delivery}")
}
