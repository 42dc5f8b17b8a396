//! Registers a run.

use backstay_catalog::{CatalogError, SourceRow, Tx};
use backstay_model::{Action, Caller, Kind, SnapshotId, SourceId, Subject};
use backstay_source_training::check_parameters;
use serde_json::json;

use super::settings::{RunSettings, check_auto};
use super::view;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{NewTrainingRun, TrainingRun};

impl Service {
    /// Registers a run of the caller's tenant.
    ///
    /// Errors: `Invalid` for a bad name or rules, `Conflict` when the name is taken.
    pub async fn create_training_run(&self, caller: &Caller, new: NewTrainingRun) -> Result<TrainingRun> {
        let subject = Subject::new("source", &new.name);
        self.permit(caller, Some(Kind::Training), Action::ManageSources, &subject).await?;
        let mut tx = self.begin().await?;
        let row = self.add_run(&mut tx, caller, &new, None).await?;
        tx.commit().await?;
        view::run(&mut self.read().await?, row).await
    }

    /// The row of a run and its event, in a transaction of the caller's.
    pub(super) async fn add_run(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        new: &NewTrainingRun,
        parent: Option<&SnapshotId>,
    ) -> Result<SourceRow> {
        let (keep, auto) = (new.keep.clone().unwrap_or_default(), new.auto.clone().unwrap_or_default());
        let mut fields = Fields::default();
        fields.name("name", &new.name);
        for (field, problem) in keep.problems() {
            fields.check(false, &format!("keep.{field}"), problem);
        }
        check_auto(&mut fields, &auto);
        for (name, problem) in check_parameters(&new.params) {
            fields.check(false, &format!("params.{name}"), &problem);
        }
        fields.finish()?;
        let now = self.now();
        let row = SourceRow {
            id: SourceId::generate(now, &**self.rng()),
            tenant: caller.tenant.clone(),
            kind: Kind::Training,
            name: new.name.clone(),
            root: None,
            host: self.settings().host.clone(),
            settings: RunSettings {
                keep,
                auto,
                parent_snapshot_id: parent.cloned(),
                params: new.params.clone(),
                ..RunSettings::default()
            }
            .to_json(),
            retention: None,
            state_serial: 0,
            created_at: now,
            updated_at: now,
            removed_at: None,
        };
        tx.insert_source(&row).await.map_err(|error| match error {
            CatalogError::Duplicate { .. } => {
                ServiceError::conflict(format!("A run called `{}` exists already", new.name))
                    .code("name_taken")
            }
            error => error.into(),
        })?;
        let event = self.event(caller, "source.registered", Subject::new("source", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.id).with(json!({
            "name": row.name, "parent_snapshot_id": parent,
        })));
        Ok(row)
    }
}
