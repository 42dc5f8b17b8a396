//! Sends what is queued for webhooks.

use backstay_catalog::{DeliveryEnd, DeliveryRow, WebhookRow};
use backstay_model::{Caller, ErrorKind, Event, Subject, WebhookId};
use serde_json::json;

use super::manage_webhooks::message_id;
use super::schedule::next_attempt;
use super::send::{Answer, Sender};
use crate::error::Result;
use crate::service::{Describe, Service};
use crate::view::Delivery;

/// How many deliveries are taken at once.
const BATCH: u32 = 16;

/// How long a worker has them, in seconds: longer than every attempt of a batch together may take.
const LEASE_S: i64 = 600;

impl Service {
    /// Sends every delivery that is due, one attempt each, and notes the outcome. Returns how many were attempted.
    ///
    /// An event is sent at least once; a receiver tells repetitions by `webhook-id`.
    pub async fn deliver_webhooks(&self) -> Result<u32> {
        let due = self.catalog().claim_deliveries(self.instance(), self.now(), LEASE_S, BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let sender = Sender::new(self.settings())?;
        let attempts = due.iter().map(|delivery| self.attempt(&sender, delivery));
        for outcome in futures_util::future::join_all(attempts).await {
            outcome?;
        }
        Ok(due.len() as u32)
    }

    async fn attempt(&self, sender: &Sender, delivery: &DeliveryRow) -> Result<()> {
        let mut read = self.read().await?;
        let webhook = read.webhook(&delivery.webhook).await?;
        let event = read.event(delivery.event_seq).await?;
        drop(read);
        let (Some(webhook), Some(event)) = (webhook, event) else { return Ok(()) };
        let answer = if webhook.enabled {
            let id = message_id(delivery.id);
            sender.send(&webhook.url, &webhook.secret, &id, self.now(), body_of(&event)).await
        } else {
            Answer::refused("the webhook is disabled")
        };
        self.note_attempt(&webhook, delivery, answer).await
    }

    async fn note_attempt(&self, webhook: &WebhookRow, delivery: &DeliveryRow, answer: Answer) -> Result<()> {
        let now = self.now();
        let status = answer.status.map(u32::from);
        let end = match answer.error {
            None => DeliveryEnd::Delivered(status.unwrap_or(200)),
            Some(error) => match next_attempt(delivery.attempts, now, &**self.rng()) {
                Some(at) if !answer.is_final => DeliveryEnd::Retry { at, status, error },
                _ => DeliveryEnd::Failed { status, error },
            },
        };
        let delivered = matches!(end, DeliveryEnd::Delivered(_));
        tracing::debug!(webhook.id = %webhook.id, delivery.id, delivered, status, "a webhook was sent");
        let mut tx = self.begin().await?;
        match tx.finish_delivery(delivery, self.instance(), now, end).await {
            // Another worker has it now.
            Err(error) if error.kind() == ErrorKind::Conflict => return Ok(()),
            done => done?,
        }
        tx.set_webhook_failing(&webhook.id, (!delivered).then_some(now)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends a test to a webhook, once, now; returns what came of it. Only the event of it is kept.
    pub async fn test_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<Delivery> {
        let webhook = self.permitted_webhook(caller, id).await?;
        let now = self.now();
        let id = format!("msg_test_{}", backstay_model::id::random_suffix(&**self.rng(), 16));
        let body = json!({
            "type": "webhook.test", "timestamp": now, "data": {"webhook_id": webhook.id, "tenant_id": webhook.tenant},
        });
        let sender = Sender::new(self.settings())?;
        let answer =
            sender.send(&webhook.url, &webhook.secret, &id, now, body.to_string().into_bytes()).await;
        let mut event = self.event(caller, "webhook.tested", Subject::new("webhook", &webhook.id));
        event.tenant = webhook.tenant;
        self.commit_event(event.with(json!({"status": answer.status, "error": answer.error}))).await?;
        Ok(Delivery {
            id,
            webhook: webhook.id,
            event_seq: None,
            state: if answer.error.is_none() { "delivered" } else { "failed" }.to_owned(),
            attempts: 1,
            last_status: answer.status,
            last_error: answer.error,
            created_at: now,
            next_attempt_at: None,
        })
    }
}

/// An event as it is sent: `type`, `timestamp` and `data` as the specification recommends.
fn body_of(event: &Event) -> Vec<u8> {
    let body = json!({
        "type": event.action,
        "timestamp": event.at,
        "data": {
            "seq": event.seq,
            "tenant_id": event.tenant,
            "actor": event.actor,
            "kind": event.kind,
            "source_id": event.source,
            "subject": event.subject,
            "outcome": event.outcome,
            "data": event.data.value(),
        },
    });
    body.to_string().into_bytes()
}
