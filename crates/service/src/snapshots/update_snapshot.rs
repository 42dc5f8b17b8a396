//! Changes the label or the description of a snapshot.

use backstay_model::{Action, Caller, Kind, SnapshotId, Subject};
use serde_json::json;

use super::view::detailed;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::training::label_is_taken;
use crate::view::{Snapshot, SnapshotChange};

impl Service {
    /// Changes label or description in the catalog. The manifest in the repository keeps what the capture was given. The labels of a run of
    /// training stay unique: `Conflict`.
    pub async fn update_snapshot(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        change: SnapshotChange,
    ) -> Result<Snapshot> {
        let row = self.permitted_snapshot(caller, id, Action::Capture).await?;
        let mut fields = Fields::default();
        fields.line("label", change.label.as_deref().unwrap_or_default(), 200);
        fields.text("description", change.description.as_deref().unwrap_or_default(), 2000);
        let of_training = row.kind == Kind::Training;
        fields.check(!of_training || change.label.as_deref() != Some(""), "label", "it must not be empty");
        fields.finish()?;
        let mut tx = self.begin().await?;
        if let Some(label) =
            change.label.as_ref().filter(|label| of_training && row.label.as_ref() != Some(label))
            && label_is_taken(&mut tx, &row.source, label).await?
        {
            return Err(
                ServiceError::conflict(format!("Snapshot '{label}' already exists")).code("name_taken")
            );
        }
        let row = tx.describe_snapshot(id, change.label.as_deref(), change.description.as_deref()).await?;
        let event = self.event(caller, "snapshot.described", Subject::new("snapshot", id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "label": change.label, "description": change.description,
        })));
        tx.commit().await?;
        detailed(&mut self.read().await?, row, self.now()).await
    }
}
