//! Removes content that nothing references.

use backstay_model::{Caller, Subject, TaskId};
use backstay_repository::CollectOptions;
use serde_json::json;

use crate::error::Result;
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::tasks::Work;
use crate::view::CollectReport;

impl Service {
    /// Removes contents of jobs to which no row refers, and collects, in two phases with a grace period between them. Safe beside
    /// running captures and saves.
    pub async fn collect_garbage(&self, caller: &Caller, run: &Run) -> Result<CollectReport> {
        self.permit_repository(caller).await?;
        self.remove_dropped_contents().await?;
        self.remove_unused_contents(run).await?;
        let repository = self.repository().await?;
        let options = CollectOptions {
            progress: run.progress.clone(),
            cancel: run.cancel.clone(),
            ..CollectOptions::default()
        };
        let found = blocking("collect garbage", move || Ok(repository.collect(&options)?)).await?;
        let report = CollectReport {
            packs_marked: found.marked_packs,
            bytes_marked: found.marked_bytes,
            packs_waiting: found.waiting_packs,
            packs_removed: found.removed_packs,
            bytes_removed: found.removed_bytes,
            packs_rewritten: found.rewritten_packs,
            unused_bytes: found.unused_bytes,
        };
        let event = self.event(caller, "repository.collected", Subject::new("repository", "main"));
        self.commit_event(event.with(json!(report))).await?;
        Ok(report)
    }

    /// Queues the same for a worker.
    pub async fn queue_collect(&self, caller: &Caller) -> Result<TaskId> {
        self.permit_repository(caller).await?;
        self.enqueue(caller, None, "repository".to_owned(), Work::Collect).await
    }
}
