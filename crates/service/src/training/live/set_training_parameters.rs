//! Sets parameters of a run.

use backstay_api::telemetry::TrainingState;
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_trainer::ParameterChange;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::service::{Describe, Service};

impl Service {
    /// Sets parameters by name, all or none; they hold from the next epoch on and are recorded in the history of the run.
    ///
    /// Errors: `Invalid` with every parameter that cannot be set so; `Conflict` while a restore of the run is in progress.
    pub async fn set_training_parameters(
        &self,
        caller: &Caller,
        run: Option<&str>,
        changes: Map<String, Value>,
    ) -> Result<TrainingState> {
        let live = self.open_live_run(caller, run, Action::Capture).await?;
        let _control = live.control.command(&live.id).await?;
        let told = Value::Object(changes.clone());
        let state = live.set_parameters(changes, caller.actor.name.clone()).await?;
        let event = self.event(caller, "training.parameters_set", Subject::new("source", &live.id));
        let event = event.of_source(&live.tenant, Kind::Training, &live.id);
        let event = event.with(json!({"parameters": told, "epoch": state.current_epoch}));
        // They hold whether or not that can be noted.
        if let Err(error) = self.commit_event(event).await {
            tracing::warn!(run.id = %live.id, %error, "a change of parameters could not be noted in the event log");
        }
        Ok(state)
    }

    /// Every change of a parameter of a run, oldest first.
    pub async fn training_parameter_history(
        &self,
        caller: &Caller,
        run: &str,
    ) -> Result<Vec<ParameterChange>> {
        let live = self.open_live_run(caller, Some(run), Action::View).await?;
        live.look(|trainer, _| trainer.state().parameter_changes.clone()).await
    }
}
