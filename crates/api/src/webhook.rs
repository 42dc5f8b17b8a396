//! Webhooks: events sent to other systems, signed as Standard Webhooks says.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// The id.
    pub id: String,
    /// The URL.
    pub url: String,
    /// The actions to send; `snapshot.` with the dot takes all that begin so. Empty for all.
    pub actions: Vec<String>,
    /// Whether events are sent.
    pub enabled: bool,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A webhook just created: the only answer that has its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// The secret to check signatures with (`whsec_…`), shown once.
    pub secret: String,
}

page!(
    /// A page of webhooks, newest first.
    WebhookPage,
    webhooks: Webhook
);

list_query!(
    /// Which webhooks to list.
    WebhookQuery {}
);

/// The schema of an action.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 100, pattern = "^[a-z_.]+$")]
#[expect(dead_code, reason = "it is the schema of a list item and nothing else")]
pub struct ActionFilter(String);

/// A webhook to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// The URL, `https://` or `http://`.
    #[schema(min_length = 8, max_length = 2000, pattern = r"^https?://[A-Za-z0-9][!-~]*$")]
    pub url: String,
    /// The actions to send; empty for all.
    #[serde(default)]
    #[schema(max_items = 100, value_type = Vec<ActionFilter>)]
    pub actions: Vec<String>,
}

/// What to change of a webhook; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookChange {
    /// The new URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 8, max_length = 2000, pattern = r"^https?://[A-Za-z0-9][!-~]*$")]
    pub url: Option<String>,
    /// The new actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100, value_type = Option<Vec<ActionFilter>>)]
    pub actions: Option<Vec<String>>,
    /// Whether events are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// The id, sent as `webhook-id`; the same for every attempt.
    pub id: String,
    /// The webhook.
    pub webhook_id: String,
    /// The number of the event; absent for a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_seq: Option<u64>,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How many times it was tried.
    pub attempts: u32,
    /// The HTTP status of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
}

page!(
    /// A page of deliveries, newest first.
    DeliveryPage,
    deliveries: Delivery
);

list_query!(
    /// Which deliveries to list.
    DeliveryQuery {}
);
