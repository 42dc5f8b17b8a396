//! Writes a snapshot as an HDF5 file.

use std::io::Write;

use backstay_model::{Action, Caller, SnapshotId, Subject};
use serde_json::json;

use super::load_training::check_digest;
use super::save_training::export_hashed;
use crate::error::Result;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::Stored;
use crate::view::TrainingSnapshot;

impl Service {
    /// Streams the HDF5 file of a snapshot to `out`: the same bytes every time. After an error `out` has a part of it, or bytes
    /// that must not be used.
    pub async fn export_training<W: Write + Send + 'static>(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        mut out: W,
    ) -> Result<TrainingSnapshot> {
        let row = self.permitted_training(caller, id, Action::View).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        blocking("export the snapshot", move || {
            let opened = stored.open()?;
            let have = export_hashed(&opened.reader, &opened.manifest, &mut out)?;
            check_digest(&opened.manifest, &have)
        })
        .await?;
        let event = self.event(caller, "snapshot.extracted", Subject::new("snapshot", id));
        let shown = self.named_training(row.clone()).await?;
        self.commit_event(
            event.of_source(&row.tenant, row.kind, &row.source).with(json!({"bytes": shown.size_bytes})),
        )
        .await?;
        Ok(shown)
    }
}
