//! Takes a source out of care.

use backstay_model::{Action, Caller, SnapshotState, SourceId, Subject};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

impl Service {
    /// Removes a source that has no snapshots left; its files are not touched. `Conflict` while it has some.
    pub async fn remove_source(&self, caller: &Caller, id: &SourceId) -> Result<()> {
        let row = self.permitted_source(caller, id, Action::ManageSources).await?;
        let mut tx = self.begin().await?;
        let left: u64 = tx
            .statistics(None, Some(id))
            .await?
            .by_state
            .iter()
            .filter(|(state, _)| !matches!(state, SnapshotState::Failed | SnapshotState::Deleted))
            .map(|(_, count)| count)
            .sum();
        if left > 0 {
            let message = format!("`{}` has {left} snapshots", row.name);
            return Err(ServiceError::conflict(message).hint("delete its snapshots first"));
        }
        tx.remove_source(id, self.now()).await?;
        let event = self.event(caller, "source.removed", Subject::new("source", id));
        tx.record(event.of_source(&row.tenant, row.kind, id).with(json!({"name": row.name})));
        tx.commit().await?;
        Ok(())
    }
}
