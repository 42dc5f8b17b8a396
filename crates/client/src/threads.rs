//! Typed checkpoints.

use backstay_api::thread::{ThreadBatch, ThreadResults};
use reqwest::Method;

use crate::client::{Client, Result};

/// The threads of one project.
#[derive(Debug, Clone)]
pub struct Threads {
    client: Client,
    project: String,
}

impl Client {
    /// The threads of a project.
    pub fn threads(&self, project: &str) -> Threads {
        Threads { client: self.clone(), project: project.to_owned() }
    }
}

impl Threads {
    /// Does several operations in their order. After one that fails the rest of its thread is skipped. A repetition stores
    /// nothing twice.
    pub async fn batch(&self, batch: &ThreadBatch) -> Result<ThreadResults> {
        let call = self.client.api(Method::POST, &["threads", "batch"]);
        self.client
            .fetch(call.header("backstay-project", &self.project).json(batch).key(self.client.new_key()))
            .await
    }
}
