//! Forks a run from a snapshot.

use backstay_model::{Action, Caller, Kind, SnapshotId, SnapshotState, Subject};

use super::view;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{NewTrainingRun, TrainingRun};

impl Service {
    /// Registers a run that goes on from `parent`, which is then not removed as long as the run is there. Nothing is copied: the first
    /// snapshot of the fork is the first that its trainer saves.
    ///
    /// Errors: `Conflict` when the name is taken, the snapshot is not ready, or training cannot go on from it bit for bit.
    pub async fn fork_training(
        &self,
        caller: &Caller,
        parent: &SnapshotId,
        new: NewTrainingRun,
    ) -> Result<TrainingRun> {
        let subject = Subject::new("source", &new.name);
        self.permit(caller, Some(Kind::Training), Action::ManageSources, &subject).await?;
        self.permitted_training(caller, parent, Action::Restore).await?;
        let mut tx = self.begin().await?;
        // Whoever deletes it meanwhile looks for forks in a transaction, too.
        let row = tx.snapshot(parent).await?.filter(|row| row.state == SnapshotState::Ready);
        let Some(row) = row else { return Err(ServiceError::conflict("Snapshot is not ready")) };
        let about = view::attributes_of(&row);
        if !about.exact {
            return Err(ServiceError::conflict(format!(
                "Training cannot go on from this snapshot; missing: {}",
                about.missing.join(", ")
            )));
        }
        let run = self.add_run(&mut tx, caller, &new, Some(parent)).await?;
        tx.commit().await?;
        view::run(&mut self.read().await?, run).await
    }
}
