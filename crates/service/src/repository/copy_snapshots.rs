//! Copies snapshots to a second repository.

use backstay_model::{Action, Caller, SnapshotId, Subject};
use backstay_repository::{CopyOptions, ManifestId, Repository};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::view::CopyReport;

impl Service {
    /// Copies the given snapshots (all when empty) to `destination`; those that are there are not copied again.
    pub async fn copy_snapshots(
        &self,
        caller: &Caller,
        snapshots: &[SnapshotId],
        destination: &Repository,
        run: &Run,
    ) -> Result<CopyReport> {
        self.permit_repository(caller).await?;
        let manifests = match snapshots {
            [] => None,
            named => Some(self.manifests_of(caller, named).await?),
        };
        let options = CopyOptions {
            manifests,
            progress: run.progress.clone(),
            cancel: run.cancel.clone(),
            ..CopyOptions::default()
        };
        let (from, to) = (self.repository().await?, destination.clone());
        let location = to.store().location().to_owned();
        let copied = blocking("copy the snapshots", move || {
            Ok(backstay_repository::copy_snapshots(&from, &to, &options)?)
        })
        .await?;
        let report = CopyReport {
            copied: copied.copied.len() as u64,
            present: copied.skipped.len() as u64,
            bytes: copied.copied.iter().map(|(_, receipt)| receipt.stats.stored_bytes).sum(),
        };
        let event = self.event(caller, "repository.copied", Subject::new("repository", "main"));
        self.commit_event(event.with(json!({
            "destination": location, "copied": report.copied, "present": report.present, "bytes": report.bytes,
        })))
        .await?;
        Ok(report)
    }

    async fn manifests_of(&self, caller: &Caller, snapshots: &[SnapshotId]) -> Result<Vec<ManifestId>> {
        let mut manifests = Vec::with_capacity(snapshots.len());
        for id in snapshots {
            let row = self.permitted_snapshot(caller, id, Action::View).await?;
            let manifest = row.manifest_id.as_deref().and_then(|id| ManifestId::parse(id).ok());
            manifests.push(
                manifest.ok_or_else(|| ServiceError::conflict(format!("Snapshot {id} is {}", row.state)))?,
            );
        }
        Ok(manifests)
    }
}
