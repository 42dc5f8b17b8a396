//! Changes what is known of a source.

use backstay_catalog::{CatalogError, SourceChange as RowChange};
use backstay_model::{Action, Caller, SourceId, Subject};
use serde_json::json;

use super::{stored_rules, view};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{Source, SourceChange};

impl Service {
    /// Changes the name or the retention rules. `Conflict` when the name is taken.
    pub async fn update_source(
        &self,
        caller: &Caller,
        id: &SourceId,
        change: SourceChange,
    ) -> Result<Source> {
        self.permitted_source(caller, id, Action::ManageSources).await?;
        let mut fields = Fields::default();
        if let Some(name) = &change.name {
            fields.name("name", name);
        }
        fields.finish()?;
        let data = json!({"name": change.name, "retention": change.retention});
        let row_change = RowChange {
            name: change.name,
            settings: None,
            retention: change.retention.map(|rules| rules.as_ref().map(stored_rules)),
        };
        let mut tx = self.begin().await?;
        let row = tx.update_source(id, &row_change, self.now()).await.map_err(|error| match error {
            CatalogError::Duplicate { .. } => {
                ServiceError::conflict("A workspace with this name exists already")
            }
            error => error.into(),
        })?;
        let event = self.event(caller, "source.updated", Subject::new("source", id));
        tx.record(event.of_source(&row.tenant, row.kind, id).with(data));
        tx.commit().await?;
        view(row)
    }
}
