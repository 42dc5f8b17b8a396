//! Starts, pauses, resumes, stops and resets a run.

use std::sync::Arc;

use backstay_api::telemetry::ControlOutcome;
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_trainer::Command;
use serde_json::json;

use super::live_run::LiveRun;
use super::save_live_run::detached;
use crate::error::Result;
use crate::service::{Describe, Service};
use crate::view::TrainingCommand;

/// Who a command comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandChannel {
    /// A request: who follows the run is told that it was carried out.
    Request,
    /// A control socket, which is answered itself.
    Socket,
}

impl Service {
    /// Carries out a command and answers once it is in effect, at an epoch boundary. What is impossible now is no error: the outcome says
    /// that nothing changed, and why.
    ///
    /// A reset saves a safety snapshot first, unless this state has one; when that fails, everything is as it was.
    ///
    /// Errors: `Conflict` while a restore of the run is in progress.
    pub async fn control_training(
        &self,
        caller: &Caller,
        run: Option<&str>,
        command: TrainingCommand,
        channel: CommandChannel,
    ) -> Result<ControlOutcome> {
        let live = self.open_live_run(caller, run, Action::Capture).await?;
        let (service, caller) = (self.clone(), caller.clone());
        detached("control the run", async move {
            service.carry_out_command(&caller, &live, command, channel).await
        })
        .await
    }

    async fn carry_out_command(
        &self,
        caller: &Caller,
        live: &Arc<LiveRun>,
        command: TrainingCommand,
        channel: CommandChannel,
    ) -> Result<ControlOutcome> {
        let _control = live.control.command(&live.id).await?;
        let outcome = match command {
            TrainingCommand::Start { reset } => {
                let was_reset = if reset { self.reset(caller, live).await?.changed } else { false };
                let outcome = live.command(Command::Start).await?;
                ControlOutcome { changed: outcome.changed || was_reset, ..outcome }
            }
            TrainingCommand::Pause => live.command(Command::Pause).await?,
            TrainingCommand::Resume => live.command(Command::Resume).await?,
            TrainingCommand::Stop => live.command(Command::Stop).await?,
            TrainingCommand::Reset => self.reset(caller, live).await?,
        };
        if channel == CommandChannel::Request {
            live.acknowledge(command.name(), &outcome);
        }
        if outcome.changed {
            let event = self.event(caller, "training.controlled", Subject::new("source", &live.id));
            let event = event.of_source(&live.tenant, Kind::Training, &live.id).with(json!({
                "command": command.name(), "status": outcome.fsm_status, "epoch": outcome.numbers.current_epoch,
            }));
            // The command is in effect whether or not it can be noted.
            if let Err(error) = self.commit_event(event).await {
                tracing::warn!(run.id = %live.id, %error, "a command could not be noted in the event log");
            }
        }
        Ok(outcome)
    }

    async fn reset(&self, caller: &Caller, live: &Arc<LiveRun>) -> Result<ControlOutcome> {
        let _rest = live.rest()?;
        if live.shared.present().epoch > 0 {
            self.safety_snapshot(live, caller).await?;
        }
        live.command(Command::Reset).await
    }
}

impl TrainingCommand {
    /// Its name, for example `start`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Reset => "reset",
        }
    }
}
