//! Ends all training in this process.

use backstay_catalog::SourceRow;
use backstay_trainer::{Command, Status};

use super::live_run::LiveRun;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::training::settings::RunSettings;
use crate::view::{NewTrainingSnapshot, TrainingTrigger};

impl Service {
    /// Stops every run in this process and saves what is in no snapshot yet. No run is loaded any more after that.
    ///
    /// A run that cannot be saved stands at its last snapshot when it is next loaded; the log tells of it.
    pub async fn close_training(&self) {
        for slot in self.live().close() {
            let Some(live) = slot.lock().await.take() else { continue };
            if let Err(error) = self.save_last(&live).await {
                tracing::error!(run.id = %live.id, %error, "the last state of a run could not be saved");
            }
            live.close().await;
        }
    }

    /// Ends the thread of a run that is to be removed.
    ///
    /// Errors: `Conflict` while it trains.
    pub(in crate::training) async fn forget_live_run(&self, run: &SourceRow) -> Result<()> {
        let slot = self.live().slot(&run.id);
        let mut slot = slot.lock().await;
        let Some(live) = slot.as_ref() else { return Ok(()) };
        if live.shared.present().status == Status::Started {
            return Err(ServiceError::conflict(format!("`{}` trains", run.name)).hint("stop it first"));
        }
        live.close().await;
        *slot = None;
        Ok(())
    }

    /// Tells the thread of a run when it is to save from now on.
    pub(in crate::training) fn reschedule_live_run(&self, run: &SourceRow) -> Result<()> {
        if let Some(live) = self.live().loaded_run(&run.id) {
            live.reschedule(RunSettings::of(run)?.auto.into());
        }
        Ok(())
    }

    async fn save_last(&self, live: &LiveRun) -> Result<()> {
        // A command or a restore that is under way ends first.
        let status = live.shared.present().status;
        if matches!(status, Status::Started | Status::Paused) {
            live.command(Command::Stop).await?;
        }
        let copied = live.copy().await?;
        // Saves that are under way are waited for by the next one.
        drop(live.serial.lock().await);
        if live.shared.saved_now().is_some() {
            return Ok(());
        }
        let new =
            NewTrainingSnapshot { trigger: TrainingTrigger::Shutdown, ..NewTrainingSnapshot::default() };
        self.save_copy(live, &live.system(), copied, new).await?;
        Ok(())
    }
}
