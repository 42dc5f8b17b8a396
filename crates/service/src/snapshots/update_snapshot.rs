//! Changes the label or the description of a snapshot.

use backstay_model::{Action, Caller, SnapshotId, Subject};
use serde_json::json;

use super::view::detailed;
use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{Snapshot, SnapshotChange};

impl Service {
    /// Changes label or description in the catalog. The manifest in the repository keeps what the capture was given.
    pub async fn update_snapshot(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        change: SnapshotChange,
    ) -> Result<Snapshot> {
        self.permitted_snapshot(caller, id, Action::Capture).await?;
        let mut fields = Fields::default();
        fields.line("label", change.label.as_deref().unwrap_or_default(), 200);
        fields.text("description", change.description.as_deref().unwrap_or_default(), 2000);
        fields.finish()?;
        let mut tx = self.begin().await?;
        let row = tx.describe_snapshot(id, change.label.as_deref(), change.description.as_deref()).await?;
        let event = self.event(caller, "snapshot.described", Subject::new("snapshot", id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "label": change.label, "description": change.description,
        })));
        tx.commit().await?;
        detailed(&mut self.read().await?, row, self.now()).await
    }
}
