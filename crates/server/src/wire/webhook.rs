//! Webhooks.

use backstay_api::webhook::{CreatedWebhook, Delivery, Webhook};
use backstay_service::view;

/// A webhook.
pub fn webhook(from: view::Webhook) -> Webhook {
    Webhook {
        id: from.id.into(),
        url: from.url,
        actions: from.actions,
        enabled: from.enabled,
        created_at: from.created_at,
    }
}

/// A webhook just created.
pub fn created_webhook(from: view::CreatedWebhook) -> CreatedWebhook {
    CreatedWebhook { webhook: webhook(from.webhook), secret: from.secret }
}

/// A delivery.
pub fn delivery(from: view::Delivery) -> Delivery {
    Delivery {
        id: from.id,
        webhook_id: from.webhook.into(),
        event_seq: from.event_seq,
        state: from.state,
        attempts: from.attempts,
        last_status: from.last_status,
        last_error: from.last_error,
        created_at: Some(from.created_at),
        next_attempt_at: from.next_attempt_at,
    }
}
