//! Changes how a run is kept and when its trainer saves.

use backstay_model::retention::training::TrainingRules;
use backstay_model::{Action, Caller, SourceId, Subject};
use serde_json::json;

use super::settings::{change_settings, check_auto};
use super::view;
use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{TrainingRun, TrainingRunChange};

impl Service {
    /// Changes keep rules and the times at which the trainer saves by itself. The rules apply after the next save.
    pub async fn update_training_run(
        &self,
        caller: &Caller,
        id: &SourceId,
        change: TrainingRunChange,
    ) -> Result<TrainingRun> {
        self.permitted_run(caller, id, Action::ManageSources).await?;
        let mut fields = Fields::default();
        for (field, problem) in change.keep.iter().flat_map(TrainingRules::problems) {
            fields.check(false, &format!("keep.{field}"), problem);
        }
        if let Some(auto) = &change.auto {
            check_auto(&mut fields, auto);
        }
        fields.finish()?;
        let told = json!({"keep": change.keep, "auto": change.auto});
        let mut tx = self.begin().await?;
        let row = change_settings(&mut tx, id, self.now(), |settings| {
            settings.keep = change.keep.unwrap_or_else(|| settings.keep.clone());
            settings.auto = change.auto.unwrap_or_else(|| settings.auto.clone());
        })
        .await?;
        let event = self.event(caller, "source.updated", Subject::new("source", id));
        tx.record(event.of_source(&row.tenant, row.kind, id).with(told));
        tx.commit().await?;
        self.reschedule_live_run(&row)?;
        view::run(&mut self.read().await?, row).await
    }
}
