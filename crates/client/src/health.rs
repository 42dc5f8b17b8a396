//! Health.

use backstay_api::health::Health;
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Whether the server lives.
    pub async fn health(&self) -> Result<Health> {
        self.fetch(self.call(Method::GET, &["health", "live"])).await
    }

    /// Whether the server can work.
    pub async fn ready(&self) -> Result<Health> {
        self.fetch(self.call(Method::GET, &["health", "ready"])).await
    }
}
