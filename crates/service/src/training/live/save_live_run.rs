//! Saves the state of a run in this process.

use std::sync::{Arc, Weak};

use backstay_model::{Action, Caller, Subject};
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;

use super::live_run::LiveRun;
use super::run_thread::{Copied, DueSave};
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Describe, Service};
use crate::view::{NewTrainingSnapshot, SavedTraining, TrainingTrigger};

impl Service {
    /// Saves the present state of a run as a snapshot: copied at an epoch boundary, written beside the training.
    ///
    /// Goes on when whoever asked is gone. Errors: those of [`Service::save_training`].
    pub async fn snapshot_live_training(
        &self,
        caller: &Caller,
        run: Option<&str>,
        new: NewTrainingSnapshot,
    ) -> Result<SavedTraining> {
        let live = self.open_live_run(caller, run, Action::Capture).await?;
        let (service, caller) = (self.clone(), caller.clone());
        detached("save the run", async move {
            let copied = live.copy().await?;
            service.save_copy(&live, &caller, copied, new).await
        })
        .await
    }

    /// Saves a copy. Saves of a run follow each other.
    pub(super) async fn save_copy(
        &self,
        live: &LiveRun,
        caller: &Caller,
        copied: Copied,
        new: NewTrainingSnapshot,
    ) -> Result<SavedTraining> {
        let mut serial = live.serial.lock().await;
        let new = NewTrainingSnapshot { after: Some(*serial), ..new };
        let saved = self.save_training(caller, &live.id, *copied.snapshot, &new, &Run::default()).await;
        match &saved {
            Ok(saved) => {
                *serial = saved.serial;
                live.shared.note_saved(copied.generation, saved.snapshot.id.clone());
            }
            Err(error) if error.word() == "run_busy" => {
                drop(serial);
                self.give_up(live, error).await;
            }
            Err(_) => {}
        }
        saved
    }

    /// Another process trains the run: what this one has of it is forgotten.
    async fn give_up(&self, live: &LiveRun, error: &ServiceError) {
        tracing::warn!(run.id = %live.id, %error, "a run is trained by another process and no longer by this one");
        let slot = self.live().slot(&live.id);
        let mut slot = slot.lock().await;
        if slot.as_ref().is_some_and(|present| std::ptr::eq(&raw const **present, live)) {
            *slot = None;
        }
        live.close().await;
        let event = self.event(&live.system(), "training.given_up", Subject::new("source", &live.id));
        let event = event.of_source(&live.tenant, backstay_model::Kind::Training, &live.id);
        if let Err(error) = self.commit_event(event.with(json!({"reason": error.message}))).await {
            tracing::warn!(run.id = %live.id, %error, "that a run was given up could not be noted");
        }
    }

    /// Saves what the thread of a run copies by itself, until that ends.
    pub(super) fn follow_due_saves(&self, live: &Arc<LiveRun>, mut due: UnboundedReceiver<DueSave>) {
        let (service, live): (_, Weak<LiveRun>) = (self.downgrade(), Arc::downgrade(live));
        tokio::spawn(async move {
            while let Some(DueSave { copied, trigger }) = due.recv().await {
                let (Some(service), Some(live)) = (service.upgrade(), live.upgrade()) else { break };
                let new = NewTrainingSnapshot { trigger, ..NewTrainingSnapshot::default() };
                let saved = service.save_copy(&live, &live.system(), copied, new).await;
                live.shared.end_save();
                if let Err(error) = saved {
                    tracing::warn!(run.id = %live.id, %error, "the state of a run could not be saved");
                }
            }
        });
    }

    /// The snapshot of the present state, saved as a safety snapshot unless there is one. The run rests meanwhile.
    pub(super) async fn safety_snapshot(
        &self,
        live: &LiveRun,
        caller: &Caller,
    ) -> Result<backstay_model::SnapshotId> {
        let copied = live.copy().await?;
        if let Some(there) = live.shared.saved_now() {
            return Ok(there);
        }
        let new = NewTrainingSnapshot { trigger: TrainingTrigger::Safety, ..NewTrainingSnapshot::default() };
        Ok(self.save_copy(live, caller, copied, new).await?.snapshot.id)
    }
}

/// Carries out `work` to its end, also when whoever waits for it is gone.
pub(super) async fn detached<T: Send + 'static>(
    what: &'static str,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(stopped) => Err(ServiceError::internal(format!("Could not {what}"), stopped)),
    }
}
