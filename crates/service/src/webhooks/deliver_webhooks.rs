//! Sends what is queued for webhooks.

use crate::error::{Result, ServiceError};
use crate::service::Service;

impl Service {
    /// Sends every delivery that is due, one attempt each, and notes the outcome. Returns how many were attempted.
    pub async fn deliver_webhooks(&self) -> Result<u32> {
        let _ = (self,);
        Err(ServiceError::unfinished("deliver_webhooks"))
    }
}
