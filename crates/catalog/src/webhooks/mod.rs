//! Webhooks: who wants to be told of events, and the outbox of what is to be sent.

mod deliveries;
mod endpoints;

pub use deliveries::{DeliveryEnd, DeliveryRow, DeliveryState};
pub use endpoints::{WebhookChange, WebhookRow};
