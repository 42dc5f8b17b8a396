//! Marks what a verification found, in the catalog.

use std::collections::BTreeMap;

use backstay_catalog::{SnapshotRow, Tx};
use backstay_model::{Caller, Outcome, SnapshotId, SnapshotState, Subject};
use backstay_repository::{ManifestId, SnapshotDamage, VerifyReport};
use serde_json::json;

use super::verify_snapshots::describe;
use crate::error::Result;
use crate::service::{Describe, Service, blocking};
use crate::view::{DamageReport, VerifyDepth};

/// What is wrong with a snapshot whose manifest is gone.
const MISSING: &str = "its manifest is missing from the repository";

/// How many of those a report tells.
const MOST_TOLD: usize = 1000;

/// Marks rows as a verification found them, page by page.
pub(super) struct Marking<'a> {
    service: &'a Service,
    caller: &'a Caller,
    found: &'a VerifyReport,
    depth: VerifyDepth,
    damage: BTreeMap<ManifestId, &'a SnapshotDamage>,
    /// The snapshots of the damaged manifests, as far as they were met.
    pub(super) names: BTreeMap<ManifestId, SnapshotId>,
    /// The first of the snapshots whose manifest is gone.
    pub(super) missing: Vec<DamageReport>,
    /// How many snapshots are damaged.
    pub(super) damaged: u64,
    /// How many rows were met.
    pub(super) snapshots: u64,
}

impl<'a> Marking<'a> {
    pub(super) fn new(
        service: &'a Service,
        caller: &'a Caller,
        found: &'a VerifyReport,
        depth: VerifyDepth,
    ) -> Self {
        Self {
            service,
            caller,
            found,
            depth,
            damage: found.snapshots.iter().map(|damage| (damage.manifest, damage)).collect(),
            names: BTreeMap::new(),
            missing: Vec::new(),
            damaged: 0,
            snapshots: 0,
        }
    }

    /// Marks the damaged ones among these rows and unmarks those found whole, in one transaction. A snapshot that the
    /// verification did not meet came to be meanwhile and stays as it is, unless its manifest is not there.
    pub(super) async fn mark(&mut self, rows: &[SnapshotRow]) -> Result<()> {
        let (mut whole, mut damaged, mut unmet) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let Some(manifest) = row.manifest_id.as_deref().and_then(|id| ManifestId::parse(id).ok()) else {
                continue;
            };
            self.snapshots += 1;
            if let Some(damage) = self.damage.get(&manifest) {
                self.names.insert(manifest, row.id.clone());
                damaged.push((&row.id, describe(damage)));
            } else if self.found.checked_snapshots.binary_search(&manifest).is_err() {
                unmet.push((manifest, &row.id));
            // What a shallow look does not see is not gone.
            } else if row.damage.is_none() || self.depth == VerifyDepth::Full {
                whole.push(row.id.clone());
            }
        }
        let gone = self.service.without_manifest(unmet).await?;
        damaged.extend(gone.iter().map(|id| (*id, MISSING.to_owned())));
        let mut tx = self.service.begin().await?;
        tx.set_snapshots_whole(&whole, self.service.now()).await?;
        for (id, damage) in damaged {
            if !self.service.mark_damaged_in(&mut tx, self.caller, id, &damage).await? {
                continue;
            }
            self.damaged += 1;
            if damage == MISSING && self.missing.len() < MOST_TOLD {
                self.missing.push(DamageReport {
                    object: id.to_string(),
                    reason: damage,
                    snapshot: Some(id.clone()),
                    lost_paths: Vec::new(),
                });
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Service {
    /// Those of which the manifest is not in the repository.
    async fn without_manifest<'a>(
        &self,
        snapshots: Vec<(ManifestId, &'a SnapshotId)>,
    ) -> Result<Vec<&'a SnapshotId>> {
        if snapshots.is_empty() {
            return Ok(Vec::new());
        }
        let repository = self.repository().await?;
        let ids: Vec<ManifestId> = snapshots.iter().map(|(manifest, _)| *manifest).collect();
        let is_there = blocking("look for manifests", move || {
            ids.iter().map(|id| Ok(repository.has_manifest(id)?)).collect::<Result<Vec<bool>>>()
        })
        .await?;
        Ok(snapshots.into_iter().zip(is_there).filter(|(_, there)| !there).map(|((_, id), _)| id).collect())
    }

    /// Marks snapshots whose manifest is gone; returns those that still are to be there.
    pub(crate) async fn mark_missing(&self, caller: &Caller, ids: &[&SnapshotId]) -> Result<Vec<SnapshotId>> {
        let mut marked = Vec::new();
        let mut tx = self.begin().await?;
        for id in ids {
            if self.mark_damaged_in(&mut tx, caller, id, MISSING).await? {
                marked.push((*id).clone());
            }
        }
        tx.commit().await?;
        Ok(marked)
    }

    /// Notes what is wrong with a snapshot; the event comes with the first time. `false` when it is no longer ready: it may have
    /// been deleted since it was looked at.
    async fn mark_damaged_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        id: &SnapshotId,
        damage: &str,
    ) -> Result<bool> {
        let Some(row) = tx.snapshot(id).await?.filter(|row| row.state == SnapshotState::Ready) else {
            return Ok(false);
        };
        tx.set_snapshot_damaged(id, self.now(), damage).await?;
        if row.damage.is_none() {
            let event = self.event(caller, "snapshot.damaged", Subject::new("snapshot", id));
            let event = event.of_source(&row.tenant, row.kind, &row.source).ended(Outcome::Failed);
            tx.record(event.with(json!({"reason": damage})));
        }
        Ok(true)
    }
}
