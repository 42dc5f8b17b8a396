//! Brings a catalog and a repository together that have come apart.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{Paging, SnapshotFilter, SnapshotRow, Total};
use backstay_model::{Action, Caller, SnapshotId, SnapshotState, Subject};
use backstay_repository::ManifestId;
use serde_json::json;

use super::rebuild_catalog::Adopted;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Describe, Service};
use crate::view::ReconcileReport;

/// How many rows or manifests are looked at in one go.
const BATCH: usize = 200;

impl Service {
    /// Adopts manifests that the catalog neither knows nor has a tombstone of, marks ready rows whose manifest is gone, closes
    /// captures whose lease has run out, and finishes interrupted deletions. Runs at the start of a server.
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
        report.closed = self.close_dead_captures(caller, None).await?;
        if self.manifest_ids().await?.is_empty() {
            let ready = SnapshotFilter { states: vec![SnapshotState::Ready], ..SnapshotFilter::default() };
            return match self.read().await?.list_snapshots(&ready, &Paging::first(1)).await?.total {
                0 => Ok(report),
                known => Err(another_repository(known)),
            };
        }

        // The rows are read before the manifests: a capture that finishes in between is in both.
        let mut known: HashMap<ManifestId, SnapshotId> = HashMap::new();
        self.each_row_in(&[SnapshotState::Ready], run, |row| {
            if let Some(id) = row.manifest_id.as_deref().and_then(|id| ManifestId::parse(id).ok()) {
                known.insert(id, row.id);
            }
        })
        .await?;
        let present: HashSet<ManifestId> = self.manifest_ids().await?.into_iter().collect();
        self.mark_missing(caller, &known, &present, &mut report).await?;
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
        for row in self.rows_in(&[SnapshotState::Deleting], &Run::default()).await? {
            self.finish_delete(&row).await?;
            report.deleted.push(row.id);
        }
        Ok(())
    }

    async fn mark_missing(
        &self,
        caller: &Caller,
        known: &HashMap<ManifestId, SnapshotId>,
        present: &HashSet<ManifestId>,
        report: &mut ReconcileReport,
    ) -> Result<()> {
        for (_, id) in known.iter().filter(|(id, _)| !present.contains(id)) {
            let mut tx = self.begin().await?;
            // It may have been deleted since the rows were read.
            let Some(row) = tx.snapshot(id).await?.filter(|now| now.state == SnapshotState::Ready) else {
                tx.roll_back().await;
                continue;
            };
            report.missing.push(row.id.clone());
            if row.damage.is_some() {
                tx.roll_back().await;
                continue;
            }
            let damage = "its manifest is missing from the repository";
            tx.set_snapshot_verified(&row.id, self.now(), Some(damage)).await?;
            let event = self.event(caller, "snapshot.damaged", Subject::new("snapshot", &row.id));
            let event = event.ended(backstay_model::Outcome::Failed);
            tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({"reason": damage})));
            tx.commit().await?;
        }
        report.missing.sort();
        Ok(())
    }

    async fn adopt_unknown(
        &self,
        caller: &Caller,
        batch: &[ManifestId],
        report: &mut ReconcileReport,
    ) -> Result<()> {
        for (id, manifest) in self.read_manifests(batch).await? {
            let manifest = match manifest {
                Ok(manifest) => manifest,
                Err(reason) => {
                    report.unreadable.push(format!("{id}: {reason}"));
                    continue;
                }
            };
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
                    self.remove_manifest(&id).await?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    async fn remove_manifest(&self, id: &ManifestId) -> Result<()> {
        let (repository, id) = (self.repository().await?, *id);
        crate::service::blocking("remove the manifest", move || Ok(repository.delete_manifest(&id)?)).await
    }

    /// Every row in one of these states, oldest last.
    pub(crate) async fn rows_in(&self, states: &[SnapshotState], run: &Run) -> Result<Vec<SnapshotRow>> {
        let mut rows = Vec::new();
        self.each_row_in(states, run, |row| rows.push(row)).await?;
        Ok(rows)
    }

    /// Hands over every row in one of these states, oldest last.
    async fn each_row_in(
        &self,
        states: &[SnapshotState],
        run: &Run,
        mut take: impl FnMut(SnapshotRow),
    ) -> Result<()> {
        let filter = SnapshotFilter { states: states.to_vec(), ..SnapshotFilter::default() };
        let mut paging = Paging { limit: 1000, total: Total::Skip, ..Paging::default() };
        loop {
            run.cancel.check().map_err(ServiceError::from)?;
            let page = self.read().await?.list_snapshots(&filter, &paging).await?;
            page.items.into_iter().for_each(&mut take);
            match page.next {
                Some(next) => paging.after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

fn another_repository(known: u64) -> ServiceError {
    ServiceError::conflict(format!("The repository holds no snapshot, but the catalog knows {known} in it"))
        .hint("check that the catalog and the repository belong together; a verification marks what is lost")
}
