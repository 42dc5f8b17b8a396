//! Loads a snapshot to go on from.

use backstay_model::{Action, Caller, ErrorKind, SnapshotId, Subject};
use backstay_repository::{Manifest, Reader};
use backstay_source_training::Snapshot;
use backstay_source_training::stored::{StoredError, TrainingAttributes};
use serde_json::json;

use super::save_training::export_hashed;
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service, blocking};
use crate::snapshots::Stored;

impl Service {
    /// Loads a snapshot with every checksum checked. Changes nothing but the event log.
    ///
    /// Errors: `Conflict` unless it is ready; `Damaged` when a byte is not what was saved.
    pub async fn load_training(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let row = self.permitted_training(caller, id, Action::Restore).await?;
        let stored = Stored::of(&row, self.lazy_repository())?;
        let snapshot = blocking("load the snapshot", move || {
            let opened = stored.open()?;
            load_checked(&opened.reader, &opened.manifest)
        })
        .await?;
        let event = self.event(caller, "snapshot.loaded", Subject::new("snapshot", id));
        self.commit_event(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "name": row.label.as_deref().unwrap_or(row.id.as_str()),
        })))
        .await?;
        Ok(snapshot)
    }
}

/// Puts the file together in memory, compares it with the checksum of the manifest and loads it; blocks.
pub(super) fn load_checked(reader: &Reader, manifest: &Manifest) -> Result<Snapshot> {
    let mut file = Vec::new();
    let have = export_hashed(reader, manifest, &mut file)?;
    check_digest(manifest, &have)?;
    Ok(Snapshot::read(file.as_slice()).map_err(StoredError::Snapshot)?)
}

/// Compares with the checksum of the manifest.
pub(super) fn check_digest(manifest: &Manifest, have: &str) -> Result<()> {
    let wanted = TrainingAttributes::from_map(&manifest.attributes).sha256;
    if wanted == have {
        return Ok(());
    }
    let message = format!("The file of snapshot {} is not the one that was saved", manifest.snapshot);
    Err(ServiceError::new(ErrorKind::Damaged, message).hint("run `backstay training verify` on it"))
}
