//! Brings a catalog and a repository together that have come apart.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{Paging, SnapshotFilter};
use backstay_model::{Action, Caller, SnapshotId, SnapshotState, Subject};
use backstay_repository::ManifestId;

use super::rebuild_catalog::Adopted;
use crate::checkpoints::is_content;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::Service;
use crate::view::ReconcileReport;

/// How many rows or manifests are looked at in one go.
const BATCH: usize = 200;

impl Service {
    /// Adopts manifests that the catalog neither knows nor has a tombstone of, marks ready rows whose manifest is gone, closes
    /// captures whose lease has run out, finishes interrupted deletions, and removes what saves of jobs left that did not get to
    /// their commit point. Runs at the start of a server.
    ///
    /// A capture between its manifest and its commit point is left alone: its row is `creating` and alive. One whose process died
    /// there becomes ready, since its content is whole. Idempotent.
    ///
    /// Marks and adopts nothing and is a conflict when the repository holds no snapshot and the catalog knows some: then it is another
    /// repository, or not all of it is there.
    pub async fn reconcile(&self, caller: &Caller, run: &Run) -> Result<ReconcileReport> {
        self.permit(caller, None, Action::ManageTenants, &Subject::new("catalog", "all")).await?;
        let mut report = ReconcileReport::default();
        self.finish_deletions(&mut report).await?;
        self.remove_dropped_contents().await?;
        report.closed = self.close_dead_captures(caller, None).await?;
        if !self.check_is_same_repository().await? {
            return Ok(report);
        }

        // The rows are read before the manifests: a capture that finishes in between is in both.
        let mut known: HashMap<ManifestId, SnapshotId> = HashMap::new();
        let mut pages = self.pages_in(&[SnapshotState::Ready], run);
        while let Some(page) = pages.next().await? {
            known.extend(page.into_iter().filter_map(|row| {
                let id = ManifestId::parse(row.manifest_id.as_deref()?).ok()?;
                Some((id, row.id))
            }));
        }
        let present: HashSet<ManifestId> = self.manifest_ids().await?.into_iter().collect();
        let gone: Vec<_> = known.iter().filter(|(id, _)| !present.contains(id)).map(|(_, id)| id).collect();
        for batch in gone.chunks(BATCH) {
            run.cancel.check()?;
            report.missing.extend(self.mark_missing(caller, batch).await?);
        }
        report.missing.sort();
        let unknown: Vec<ManifestId> = present.into_iter().filter(|id| !known.contains_key(id)).collect();
        for batch in unknown.chunks(BATCH) {
            run.cancel.check()?;
            self.adopt_unknown(caller, batch, &mut report).await?;
        }
        report.adopted.sort();
        Ok(report)
    }

    /// Finishes deletions whose commit point was passed.
    async fn finish_deletions(&self, report: &mut ReconcileReport) -> Result<()> {
        let run = Run::default();
        let mut pages = self.pages_in(&[SnapshotState::Deleting], &run);
        while let Some(page) = pages.next().await? {
            for row in page {
                self.finish_delete(&row).await?;
                report.deleted.push(row.id);
            }
        }
        Ok(())
    }

    async fn adopt_unknown(
        &self,
        caller: &Caller,
        batch: &[ManifestId],
        report: &mut ReconcileReport,
    ) -> Result<()> {
        let batch = self.unknown_among(batch).await?;
        for (id, manifest) in self.read_manifests(&batch).await? {
            let manifest = match manifest {
                Ok(manifest) => manifest,
                Err(reason) => {
                    report.unreadable.push(format!("{id}: {reason}"));
                    continue;
                }
            };
            if is_content(&manifest) {
                if self.is_unused_content(&manifest).await? {
                    report.removed_contents += self.remove_if_unused(vec![id]).await?;
                }
                continue;
            }
            let row = self.read().await?.snapshot(&manifest.snapshot).await?;
            match row {
                None => {
                    let mut tx = self.begin().await?;
                    match self.adopt_in(&mut tx, caller, &id, &manifest).await {
                        Ok(Adopted::New { .. }) => {
                            tx.commit().await?;
                            report.adopted.push(manifest.snapshot.clone());
                        }
                        Ok(Adopted::Known) => tx.roll_back().await,
                        Err(error) => return Err(error),
                    }
                }
                // A tombstone whose manifest came back with an older copy of the repository, or a failed capture
                // that had got as far as its manifest: neither is wanted. One that is alive ends by itself.
                Some(row) if matches!(row.state, SnapshotState::Deleted | SnapshotState::Failed) => {
                    self.remove_manifests(vec![id]).await?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// A conflict when the repository holds no snapshot although the catalog knows some: then it is another repository, or not all
    /// of it is there. `false` when both are empty.
    pub(crate) async fn check_is_same_repository(&self) -> Result<bool> {
        if !self.manifest_ids().await?.is_empty() {
            return Ok(true);
        }
        let ready = SnapshotFilter { states: vec![SnapshotState::Ready], ..SnapshotFilter::default() };
        match self.read().await?.list_snapshots(&ready, &Paging::first(1)).await?.total {
            0 => Ok(false),
            known => Err(ServiceError::conflict(format!(
                "The repository holds no snapshot, but the catalog knows {known} in it"
            ))
            .hint("check that the catalog and the repository belong together; verifying a snapshot marks it when it is lost")),
        }
    }
}
