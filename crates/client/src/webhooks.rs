//! Webhooks.

use backstay_api::webhook::{
    CreatedWebhook, Delivery, DeliveryPage, DeliveryQuery, NewWebhook, Webhook, WebhookChange, WebhookPage,
    WebhookQuery,
};
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Creates a webhook. The answer is the only one with its secret.
    pub async fn create_webhook(&self, new: &NewWebhook) -> Result<CreatedWebhook> {
        self.fetch(self.api(Method::POST, &["webhooks"]).json(new)).await
    }

    /// Lists webhooks, newest first.
    pub async fn list_webhooks(&self, query: &WebhookQuery) -> Result<WebhookPage> {
        self.fetch(self.api(Method::GET, &["webhooks"]).query(query)).await
    }

    /// Shows a webhook.
    pub async fn get_webhook(&self, id: &str) -> Result<Webhook> {
        self.fetch(self.api(Method::GET, &["webhooks", id])).await
    }

    /// Changes a webhook.
    pub async fn update_webhook(&self, id: &str, change: &WebhookChange) -> Result<Webhook> {
        self.fetch(self.api(Method::PATCH, &["webhooks", id]).json(change)).await
    }

    /// Removes a webhook.
    pub async fn delete_webhook(&self, id: &str) -> Result<()> {
        self.delete(&["webhooks", id]).await
    }

    /// Sends a test event.
    pub async fn test_webhook(&self, id: &str) -> Result<Delivery> {
        self.fetch(self.api(Method::POST, &["webhooks", id, "test"])).await
    }

    /// Lists deliveries, newest first.
    pub async fn list_deliveries(&self, id: &str, query: &DeliveryQuery) -> Result<DeliveryPage> {
        self.fetch(self.api(Method::GET, &["webhooks", id, "deliveries"]).query(query)).await
    }
}
