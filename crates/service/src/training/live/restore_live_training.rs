//! Takes a run in this process back to a snapshot.

use std::sync::Arc;

use backstay_model::{Action, Caller, ErrorKind, SnapshotId, SourceId};
use backstay_source_training::{Content, Snapshot};
use backstay_trainer::{Command, Status};
use serde_json::json;

use super::live_run::LiveRun;
use super::moments::Moments;
use super::run_thread::Replacement;
use super::save_live_run::detached;
use crate::error::{Result, ServiceError};
use crate::service::{Service, blocking};
use crate::training::resumed::resumed;
use crate::training::settings::RunSettings;
use crate::view::RestoredTraining;

/// A run that was taken back, or would be.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoredLive {
    /// What was done.
    pub restored: RestoredTraining,
    /// The status of the run since: `Stopped`, or `Paused` when it was.
    pub status: String,
    /// What the run was doing at that epoch.
    pub phase: String,
}

impl Service {
    /// Takes a run back to a snapshot, whether or not it is in this process: a paused one stays paused, another one is stopped, and
    /// training goes on from the snapshot bit for bit. Who follows the run is told of the restore, its state and its topology.
    ///
    /// Order: find → control lock → check every hash → safety snapshot, unless this state has one → build aside → **the commit point**,
    /// one catalog transaction → flip. After an error everything is as it was. Goes on when whoever asked is gone.
    ///
    /// Errors: `NotFound`; `Conflict` while the run trains or is being restored, and those of [`Service::restore_training`].
    pub async fn restore_live_training(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        run: Option<&SourceId>,
        dry_run: bool,
    ) -> Result<RestoredLive> {
        let row = self.permitted_training(caller, id, Action::Restore).await?;
        let source = self.permitted_run(caller, run.unwrap_or(&row.source), Action::Restore).await?;
        let live = match self.open_live_row(&source).await {
            Ok(live) => live,
            // A run whose last state cannot be loaded is taken back in the catalog alone, and loaded from there.
            Err(error)
                if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Damaged) || is_empty(&error) =>
            {
                let restored = self.restore_training(caller, id, run, dry_run).await?;
                return Ok(RestoredLive::stopped(restored));
            }
            Err(error) => return Err(error),
        };
        let (service, caller, id) = (self.clone(), caller.clone(), id.clone());
        detached("restore the run", async move {
            let _control = live.control.restore(&live.id).await?;
            let status = live.shared.present().status;
            if status == Status::Started {
                return Err(ServiceError::conflict(
                    "Cannot restore while training is running. Please pause or stop training first.",
                )
                .code("training_running"));
            }
            if dry_run {
                let restored = service.restore_training(&caller, &id, Some(&live.id), true).await?;
                return Ok(RestoredLive {
                    status: after(status).name().to_owned(),
                    ..RestoredLive::stopped(restored)
                });
            }
            service.restore_into(&caller, &live, &id, status).await
        })
        .await
    }

    async fn restore_into(
        &self,
        caller: &Caller,
        live: &Arc<LiveRun>,
        id: &SnapshotId,
        status: Status,
    ) -> Result<RestoredLive> {
        let (checked, snapshot) = self.check_training_restore(caller, id, Some(&live.id)).await?;
        let safety = self.safety_snapshot(live, caller).await?;
        let left = self.read().await?.snapshot(&safety).await?;
        let (name, rng) = (live.name.clone(), Arc::clone(self.rng()));
        // At the origin of a fork its own parameters hold.
        let settings = RunSettings::of(&checked.run)?;
        let fork = (settings.parent_snapshot_id.as_ref() == Some(id)).then_some(settings.params);
        let built = blocking("load the snapshot", move || {
            let mut built = resumed(stopped(snapshot), &name, fork.as_ref(), &*rng)?;
            if after(status) == Status::Paused {
                // A stopped run can be started, and a started one be paused; nothing is trained in between.
                for command in [Command::Start, Command::Pause] {
                    let done = built.trainer.command(command);
                    done.map_err(|refusal| ServiceError::conflict(refusal.to_string()))?;
                }
            }
            Ok(built)
        })
        .await?;
        // No save may come between the count that the commit is for and the flip.
        let mut serial = live.serial.lock().await;
        let restored = self.commit_training_restore(caller, &checked, left.as_ref(), *serial).await?;
        *serial = restored.serial;
        let moments = Moments::new(built.trainer.state().epoch, checked.row.created_at);
        let details = json!({
            "snapshot_id": id, "name": restored.snapshot.label, "epoch": restored.snapshot.epoch,
            "trigger": restored.snapshot.trigger, "safety_snapshot_id": restored.safety_snapshot_id,
        });
        live.replace(Replacement {
            trainer: built.trainer,
            header: built.header,
            moments,
            snapshot: id.clone(),
            details,
        })
        .await?;
        let present = live.shared.present();
        let (status, phase) = (present.status.name().to_owned(), present.phase.name().to_owned());
        Ok(RestoredLive { restored, status, phase })
    }
}

impl RestoredLive {
    fn stopped(restored: RestoredTraining) -> Self {
        let phase = restored.snapshot.phase.clone();
        Self { restored, status: Status::Stopped.name().to_owned(), phase }
    }
}

/// The status after a restore.
fn after(status: Status) -> Status {
    if status == Status::Paused { Status::Paused } else { Status::Stopped }
}

/// Whether nothing of the run was saved, so that there is nothing to lose.
fn is_empty(error: &ServiceError) -> bool {
    error.code == Some("no_state")
}

/// The same state at rest, also when training was over in it.
fn stopped(mut snapshot: Snapshot) -> Snapshot {
    if let Content::Exact { state, .. } = &mut snapshot.content {
        state.status = Status::Stopped;
        state.completion = None;
    }
    snapshot
}
