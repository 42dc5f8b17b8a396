//! Takes a run back to one of its snapshots.
//!
//! The state of a run that no process trains is a snapshot, its *head*: the newest, or the one that it was restored to since. A restore
//! moves the head and copies nothing. A process that holds a later state in memory saves it first, as a safety snapshot.

use backstay_catalog::{CatalogError, SnapshotRow, SourceRow};
use backstay_model::{Action, Caller, SnapshotId, SnapshotState, SourceId, Subject};
use backstay_source_training::{Content, Snapshot};
use serde_json::json;

use super::load_training::load_checked;
use super::settings::{RunSettings, change_settings};
use super::view::{self, attributes_of};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service, blocking};
use crate::snapshots::Stored;
use crate::view::RestoredTraining;

/// A restore whose snapshot was found and whose every byte was checked. Nothing is changed yet.
pub(crate) struct CheckedRestore {
    /// The run.
    pub(crate) run: SourceRow,
    /// The snapshot.
    pub(crate) row: SnapshotRow,
}

impl Service {
    /// Takes a run that no process trains back to a snapshot: the next trainer goes on from it, bit for bit.
    ///
    /// `run` is the run of the snapshot unless it is named; a fork can also be taken back to its origin. With `dry_run` everything is
    /// checked and nothing changed. A process that trains the run all the same is refused at its next save.
    ///
    /// Commit point: the catalog transaction that moves the head of the run. After an error everything is as it was.
    ///
    /// Errors: `NotFound`; `Conflict` when the snapshot is of another run, or training cannot go on from it bit for bit; `Damaged` with
    /// the dataset when a byte is not what was saved; `Busy` when a trainer saved meanwhile.
    pub async fn restore_training(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        run: Option<&SourceId>,
        dry_run: bool,
    ) -> Result<RestoredTraining> {
        let (checked, _) = self.check_training_restore(caller, id, run).await?;
        let head = view::head(&mut self.read().await?, &checked.run).await?;
        if dry_run {
            return Ok(told(&checked, head.as_ref(), checked.run.state_serial, true, self.now()));
        }
        self.commit_training_restore(caller, &checked, head.as_ref(), checked.run.state_serial).await
    }

    /// The first half: finds the snapshot, checks that it is one of the run, and loads it with every checksum checked. Its content is
    /// exact: training goes on from it.
    pub(crate) async fn check_training_restore(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        run: Option<&SourceId>,
    ) -> Result<(CheckedRestore, Snapshot)> {
        let row = self.permitted_training(caller, id, Action::Restore).await?;
        let run = self.permitted_run(caller, run.unwrap_or(&row.source), Action::Restore).await?;
        let is_origin = RunSettings::of(&run)?.parent_snapshot_id.as_ref() == Some(id);
        if row.source != run.id && !is_origin {
            return Err(ServiceError::conflict(format!(
                "Snapshot '{id}' is of another run than `{}`",
                run.name
            ))
            .hint("fork it: that makes a run which goes on from it"));
        }
        let stored = Stored::of(&row, self.lazy_repository())?;
        let about = attributes_of(&row);
        if !about.exact {
            return Err(not_exact(&about.missing));
        }
        // What is in memory proves nothing about what is stored.
        self.repository().await?.forget_blocks();
        let snapshot = blocking("load the snapshot", move || {
            let opened = stored.open()?;
            load_checked(&opened.reader, &opened.manifest)
        })
        .await?;
        match &snapshot.content {
            Content::Exact { .. } => Ok((CheckedRestore { run, row }, snapshot)),
            Content::Partial(partial) => Err(not_exact(&partial.missing)),
        }
    }

    /// The second half, **the commit point**: one transaction moves the head, counts the change and tells of it. `left` is the snapshot
    /// of the state that is left, `after` the serial at which the run must still be.
    pub(crate) async fn commit_training_restore(
        &self,
        caller: &Caller,
        checked: &CheckedRestore,
        left: Option<&SnapshotRow>,
        after: u64,
    ) -> Result<RestoredTraining> {
        let CheckedRestore { run, row } = checked;
        let now = self.now();
        let mut tx = self.begin().await?;
        // It may have been deleted since it was read.
        let ready = tx.snapshot(&row.id).await?.is_some_and(|row| row.state == SnapshotState::Ready);
        if !ready {
            return Err(ServiceError::conflict("Snapshot is not ready"));
        }
        let serial = match tx.advance_source_from(&run.id, after, now).await {
            Err(CatalogError::Conflict { .. }) => return Err(super::save_training::trained_elsewhere(run)),
            advanced => advanced?,
        };
        let safety = left.map(|left| left.id.clone());
        change_settings(&mut tx, &run.id, now, |settings| settings.restore(&row.id, safety.as_ref(), now))
            .await?;
        let about = attributes_of(row);
        let event = self.event(caller, "snapshot.restored", Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&run.tenant, run.kind, &run.id).with(json!({
            "name": row.label.as_deref().unwrap_or(row.id.as_str()),
            "size_bytes": about.file_bytes,
            "trigger": about.trigger,
            "epoch": about.epoch,
            "left_epoch": left.map(|left| attributes_of(left).epoch),
            "safety_snapshot_id": safety,
        })));
        tx.commit().await?;
        Ok(told(checked, left, serial, false, now))
    }
}

fn not_exact(missing: &[String]) -> ServiceError {
    let message = format!("Training cannot go on from this snapshot; missing: {}", missing.join(", "));
    ServiceError::conflict(message).code("not_exact")
}

fn told(
    checked: &CheckedRestore,
    left: Option<&SnapshotRow>,
    serial: u64,
    dry_run: bool,
    now: backstay_model::Timestamp,
) -> RestoredTraining {
    RestoredTraining {
        dry_run,
        snapshot: view::snapshot(checked.row.clone(), &checked.run.name),
        run_id: checked.run.id.clone(),
        run_name: checked.run.name.clone(),
        restored_at: now,
        safety_snapshot_id: left.map(|left| left.id.clone()),
        left_epoch: left.map(|left| attributes_of(left).epoch),
        serial,
    }
}
