//! Webhooks.

use backstay_model::{TenantId, Timestamp, WebhookId};
use serde::{Deserialize, Serialize};

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The id.
    pub id: WebhookId,
    /// The tenant whose events are sent.
    pub tenant: TenantId,
    /// The URL.
    pub url: String,
    /// The actions to send; `snapshot.` with the dot takes all that begin so. Empty for all.
    pub actions: Vec<String>,
    /// Whether events are sent.
    pub enabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A webhook to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// The URL, `https://` or `http://`.
    pub url: String,
    /// The actions to send; empty for all.
    pub actions: Vec<String>,
}

/// What to change of a webhook; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// The new URL.
    pub url: Option<String>,
    /// The new actions.
    pub actions: Option<Vec<String>>,
    /// Whether events are sent.
    pub enabled: Option<bool>,
}

/// A webhook just created.
pub struct CreatedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret to check signatures with (`whsec_…`); shown once.
    pub secret: String,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The id, sent as `webhook-id`; the same for every attempt.
    pub id: String,
    /// The webhook.
    pub webhook: WebhookId,
    /// The number of the event; `None` for a test.
    pub event_seq: Option<u64>,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How many times it was tried.
    pub attempts: u32,
    /// The HTTP status of the last answer.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
}
