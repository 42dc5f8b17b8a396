//! Ends captures whose process is gone.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{SnapshotRow, SourceRow};
use backstay_model::{Caller, SnapshotId, SnapshotState, Subject};
use backstay_repository::{Manifest, ManifestId};
use serde_json::json;

use super::rebuild_catalog::was_raced;
use crate::error::Result;
use crate::service::{Describe, Service};
use crate::snapshots::stored_content;

/// How many manifests are looked at in one go.
const BATCH: usize = 200;

impl Service {
    /// Ends captures whose lease has run out, of one source or of all; returns which.
    ///
    /// One whose manifest is in the repository becomes ready, since its content is whole: its process died between the manifest and
    /// the commit point, or the catalog comes from a backup that was made while it ran. The others become failed.
    pub(crate) async fn close_dead_captures(
        &self,
        caller: &Caller,
        source: Option<&SourceRow>,
    ) -> Result<Vec<SnapshotId>> {
        let mut dead = self.read().await?.expired_captures(self.now()).await?;
        dead.retain(|row| source.is_none_or(|source| source.id == row.source));
        if dead.is_empty() {
            return Ok(Vec::new());
        }
        let complete = self.complete_among(&dead).await?;
        let mut closed = Vec::new();
        for row in dead {
            let ended = match complete.get(&row.id) {
                Some((id, manifest)) => self.finish_dead_capture(caller, &row, id, manifest).await?,
                None => self.fail_dead_capture(caller, &row).await?,
            };
            if ended {
                closed.push(row.id);
            }
        }
        Ok(closed)
    }

    /// The manifests of those of `dead` that have one.
    async fn complete_among(
        &self,
        dead: &[SnapshotRow],
    ) -> Result<HashMap<SnapshotId, (ManifestId, Box<Manifest>)>> {
        let wanted: HashSet<&SnapshotId> = dead.iter().map(|row| &row.id).collect();
        let mut complete = HashMap::new();
        for batch in self.manifest_ids().await?.chunks(BATCH) {
            let unknown = self.unknown_among(batch).await?;
            for (id, manifest) in self.read_manifests(&unknown).await? {
                // One that cannot be read is told by reconciliation and by a verification.
                if let Ok(manifest) = manifest
                    && wanted.contains(&manifest.snapshot)
                {
                    complete.insert(manifest.snapshot.clone(), (id, manifest));
                }
            }
        }
        Ok(complete)
    }

    async fn fail_dead_capture(&self, caller: &Caller, row: &SnapshotRow) -> Result<bool> {
        let mut tx = self.begin().await?;
        if tx.snapshot(&row.id).await?.is_none_or(|now| now.state != SnapshotState::Creating) {
            tx.roll_back().await;
            return Ok(false);
        }
        self.fail_capture_in(&mut tx, caller, row, "the capture was interrupted").await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn finish_dead_capture(
        &self,
        caller: &Caller,
        row: &SnapshotRow,
        id: &ManifestId,
        manifest: &Manifest,
    ) -> Result<bool> {
        let owner = row.lease_owner.as_deref().unwrap_or_default();
        let content = stored_content(id, manifest);
        let mut tx = self.begin().await?;
        match tx.ready_snapshot(&row.id, owner, &content, self.now()).await {
            Err(error) if was_raced(&error) => {
                tx.roll_back().await;
                return Ok(false);
            }
            ready => ready?,
        };
        let event = self.event(caller, "snapshot.created", Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "name": row.label.as_deref().unwrap_or(row.id.as_str()), "trigger": row.trigger, "recovered": true,
            "size_bytes": content.logical_bytes,
        })));
        tx.commit().await?;
        Ok(true)
    }
}
