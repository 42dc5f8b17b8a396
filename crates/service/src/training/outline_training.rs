//! What a snapshot of training holds, without its tensors being read.

use std::collections::BTreeMap;

use backstay_model::{Action, Caller, SnapshotId};
use backstay_source_training::stored::{Outline, TensorOutline, outline};
use serde_json::{Value, json};

use super::view::attributes_of;
use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::service::{Service, blocking};
use crate::snapshots::Stored;

impl Service {
    /// Lists the tensors of a snapshot by their path in the HDF5 file.
    pub async fn list_training_tensors(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        page: &PageRequest,
    ) -> Result<Page<TensorOutline>> {
        let row = self.permitted_training(caller, id, Action::View).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        page.cut(outline_of(stored).await?.tensors)
    }

    /// The attributes of the root of the HDF5 file as texts, and what else a dashboard shows of a snapshot. Of one that is not ready, or
    /// cannot be read, there is only the latter.
    pub async fn training_attributes(
        &self,
        caller: &Caller,
        id: &SnapshotId,
    ) -> Result<BTreeMap<String, Value>> {
        let row = self.permitted_training(caller, id, Action::View).await?;
        let mut attributes = BTreeMap::new();
        if let Ok(stored) = Stored::of(&row, self.lazy_repository()) {
            match outline_of(stored).await {
                Ok(outline) => {
                    let texts =
                        outline.attributes.into_iter().map(|(name, text)| (name, Value::String(text)));
                    attributes.extend(texts);
                }
                Err(error) => {
                    tracing::warn!(snapshot.id = %id, %error, "the attributes of a snapshot could not be read");
                }
            }
        }
        let about = attributes_of(&row);
        attributes.extend([
            ("mode".to_owned(), json!("real")),
            ("description".to_owned(), json!(row.description.as_deref().unwrap_or_default())),
            ("epochs_trained".to_owned(), json!(about.epoch)),
            ("hidden_units".to_owned(), json!(about.hidden_units)),
            ("created_in_session".to_owned(), json!(row.created_at >= self.started_at())),
        ]);
        Ok(attributes)
    }
}

async fn outline_of(stored: Stored) -> Result<Outline> {
    blocking("read the snapshot", move || {
        let opened = stored.open()?;
        Ok(outline(&opened.reader, &opened.manifest.root)?)
    })
    .await
}
