//! The webhooks of a tenant.

use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{CreatedWebhook, Delivery, NewWebhook, Webhook, WebhookChange};
use backstay_model::{Caller, WebhookId};

impl Service {
    /// Creates a webhook and its secret.
    ///
    /// Errors: `Invalid` for a URL that is not http(s), has credentials in it, or names a private address while those are not allowed.
    pub async fn create_webhook(&self, caller: &Caller, new: NewWebhook) -> Result<CreatedWebhook> {
        let _ = (self, caller, new);
        Err(ServiceError::unfinished("create_webhook"))
    }

    /// Lists webhooks, newest first.
    pub async fn list_webhooks(&self, caller: &Caller, page: &PageRequest) -> Result<Page<Webhook>> {
        let _ = (self, caller, page);
        Err(ServiceError::unfinished("list_webhooks"))
    }

    /// Shows a webhook.
    pub async fn show_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<Webhook> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("show_webhook"))
    }

    /// Changes a webhook.
    pub async fn update_webhook(
        &self,
        caller: &Caller,
        id: &WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook> {
        let _ = (self, caller, id, change);
        Err(ServiceError::unfinished("update_webhook"))
    }

    /// Removes a webhook and what is queued for it.
    pub async fn remove_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<()> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("remove_webhook"))
    }

    /// Queues a test delivery; returns it.
    pub async fn test_webhook(&self, caller: &Caller, id: &WebhookId) -> Result<Delivery> {
        let _ = (self, caller, id);
        Err(ServiceError::unfinished("test_webhook"))
    }

    /// Lists the deliveries of a webhook, newest first.
    pub async fn list_deliveries(
        &self,
        caller: &Caller,
        id: &WebhookId,
        page: &PageRequest,
    ) -> Result<Page<Delivery>> {
        let _ = (self, caller, id, page);
        Err(ServiceError::unfinished("list_deliveries"))
    }
}
