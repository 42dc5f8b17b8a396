//! Tasks: following work in the background.

use std::time::Duration;

use backstay_api::task::{Task, TaskPage, TaskQuery};
use futures_util::StreamExt;
use reqwest::Method;

use crate::client::{Client, Result};
use crate::error::ClientError;
use crate::sse::SseParser;

impl Client {
    /// Lists tasks, newest first.
    pub async fn list_tasks(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.fetch(self.api(Method::GET, &["tasks"]).query(query)).await
    }

    /// Shows a task.
    pub async fn get_task(&self, id: &str) -> Result<Task> {
        self.fetch(self.api(Method::GET, &["tasks", id])).await
    }

    /// Asks a task to end.
    pub async fn cancel_task(&self, id: &str) -> Result<Task> {
        self.fetch(self.api(Method::POST, &["tasks", id, "cancel"]).key(self.new_key())).await
    }

    /// Follows a task to its end and returns it, calling `on_progress` at each change. A broken connection is made
    /// again. Dropping the future follows no longer; the task goes on.
    pub async fn wait_task(&self, id: &str, mut on_progress: impl FnMut(&Task)) -> Result<Task> {
        loop {
            let call = self.api(Method::GET, &["tasks", id, "progress"]).unlimited();
            let mut bytes = self.send(call).await?.bytes_stream();
            let mut parser = SseParser::default();
            while let Some(Ok(part)) = bytes.next().await {
                for event in parser.push(&part) {
                    let task: Task = serde_json::from_str(&event.data)
                        .map_err(|source| ClientError::BadEvent { source })?;
                    on_progress(&task);
                    if task.state.is_final() {
                        return Ok(task);
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
