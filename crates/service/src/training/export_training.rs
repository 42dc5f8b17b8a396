//! The HDF5 file of a snapshot.

use std::io::Write;

use backstay_model::{Action, Caller, SnapshotId, Subject};
use backstay_source_training::stored::{StoredError, export};
use serde_json::json;

use super::load_training::check_digest;
use super::save_training::export_hashed;
use crate::error::Result;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::Stored;
use crate::view::TrainingSnapshot;

/// The HDF5 file of a snapshot: the same bytes every time, put together while they are written.
#[derive(Debug)]
pub struct TrainingFile {
    /// The snapshot, with the length and the SHA-256 of the file.
    pub snapshot: TrainingSnapshot,
    stored: Stored,
}

impl TrainingFile {
    /// Writes the whole file to `out`; blocks. After an error `out` has a part of it, or bytes that must not be used.
    pub fn write(&self, out: &mut impl Write) -> Result<()> {
        let opened = self.stored.open()?;
        let have = export_hashed(&opened.reader, &opened.manifest, out)?;
        check_digest(&opened.manifest, &have)
    }

    /// Writes `length` bytes from `first` on; blocks. Tensors that lie outside are not read. Each block is checked, and the whole file
    /// is not.
    pub fn write_part(&self, first: u64, length: u64, out: &mut impl Write) -> Result<()> {
        let opened = self.stored.open()?;
        let plan = export(&opened.reader, &opened.manifest.root)?;
        Ok(plan.write_part(first, length, out).map_err(StoredError::File)?)
    }
}

impl Service {
    /// The HDF5 file of a snapshot, to be read in whole or in part.
    ///
    /// Errors: `Conflict` unless the snapshot is ready.
    pub async fn open_training_file(&self, caller: &Caller, id: &SnapshotId) -> Result<TrainingFile> {
        let row = self.permitted_training(caller, id, Action::View).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        Ok(TrainingFile { snapshot: self.named_training(row).await?, stored })
    }

    /// Streams the HDF5 file of a snapshot to `out`, and tells of it in the event log.
    pub async fn export_training<W: Write + Send + 'static>(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        mut out: W,
    ) -> Result<TrainingSnapshot> {
        let file = self.open_training_file(caller, id).await?;
        let shown = file.snapshot.clone();
        blocking("export the snapshot", move || file.write(&mut out)).await?;
        let row = self.permitted_training(caller, id, Action::View).await?;
        let event = self.event(caller, "snapshot.extracted", Subject::new("snapshot", id));
        self.commit_event(
            event.of_source(&row.tenant, row.kind, &row.source).with(json!({"bytes": shown.size_bytes})),
        )
        .await?;
        Ok(shown)
    }
}
