//! Reads snapshots back to prove that they are there.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use backstay_catalog::SnapshotRow;
use backstay_model::{Action, Caller, Outcome, SnapshotState, Subject, TaskId};
use backstay_repository::{
    ManifestId, SnapshotDamage, VerifyDepth as Depth, VerifyOptions, VerifyReport as RepositoryReport,
};
use serde_json::json;

use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::tasks::Work;
use crate::view::{DamageReport, VerifyDepth, VerifyReport, VerifyScope};

/// How many lost paths are told of each snapshot.
const MOST_LOST_PATHS: usize = 1000;

impl Service {
    /// Verifies, now, in this process. Snapshots that lose by damage are marked, those found whole are unmarked.
    ///
    /// Damage is no error: the report tells of it.
    pub async fn verify_snapshots(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        depth: VerifyDepth,
        run: &Run,
    ) -> Result<VerifyReport> {
        let rows = self.rows_to_verify(caller, scope, run).await?;
        let options = VerifyOptions {
            depth: repository_depth(depth)?,
            manifests: match scope {
                VerifyScope::All => None,
                VerifyScope::Snapshots(_) => Some(rows.keys().copied().collect()),
            },
            max_lost_paths: MOST_LOST_PATHS,
            progress: run.progress.clone(),
            cancel: run.cancel.clone(),
            ..VerifyOptions::default()
        };
        let repository = self.repository().await?;
        let found = blocking("verify", move || Ok(repository.verify(&options)?)).await?;
        self.note_verified(caller, &rows, &found, depth).await?;
        Ok(report_of(&found, &rows))
    }

    /// Verifies and, when nothing is damaged, also restores each snapshot of the scope into a scratch directory.
    pub async fn verify_and_test_restores(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        depth: VerifyDepth,
        run: &Run,
    ) -> Result<VerifyReport> {
        let mut report = self.verify_snapshots(caller, scope, depth, run).await?;
        if report.healthy {
            let rows = self.rows_to_verify(caller, scope, run).await?;
            let ids: Vec<_> = rows.into_values().map(|row| row.id).collect();
            report.restore_tests = self.test_restores(caller, &ids, run).await?;
            report.healthy = report.restore_tests.iter().all(|test| test.identical);
        }
        Ok(report)
    }

    /// Queues the same for a worker, with or without restores; its result is the report.
    pub async fn queue_verify(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        depth: VerifyDepth,
        restore_test: bool,
    ) -> Result<TaskId> {
        let rows = self.rows_to_verify(caller, scope, &Run::default()).await?;
        repository_depth(depth)?;
        let subject = match scope {
            VerifyScope::Snapshots(ids) if ids.len() == 1 => ids[0].to_string(),
            VerifyScope::Snapshots(ids) => format!("{} snapshots", ids.len()),
            VerifyScope::All => "repository".to_owned(),
        };
        let source = match rows.values().next() {
            Some(row) if rows.len() == 1 => self.read().await?.source(&row.source).await?,
            _ => None,
        };
        let work = Work::Verify { scope: scope.clone(), depth, restore_test };
        self.enqueue(caller, source.as_ref(), subject, work).await
    }

    /// The rows of the scope by their manifests.
    async fn rows_to_verify(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        run: &Run,
    ) -> Result<BTreeMap<ManifestId, SnapshotRow>> {
        let rows = match scope {
            VerifyScope::All => {
                let subject = Subject::new("repository", "main");
                self.permit(caller, None, Action::ManageTenants, &subject).await?;
                self.rows_in(&[SnapshotState::Ready], run).await?
            }
            VerifyScope::Snapshots(ids) => {
                let mut rows = Vec::with_capacity(ids.len());
                for id in ids {
                    let row = self.permitted_snapshot(caller, id, Action::Verify).await?;
                    if row.state != SnapshotState::Ready {
                        return Err(ServiceError::conflict(format!("Snapshot {id} is {}", row.state)));
                    }
                    rows.push(row);
                }
                rows
            }
        };
        let by_manifest = |row: SnapshotRow| {
            let id = row.manifest_id.as_deref().and_then(|id| ManifestId::parse(id).ok())?;
            Some((id, row))
        };
        Ok(rows.into_iter().filter_map(by_manifest).collect())
    }

    /// Marks what is damaged and unmarks what was found whole; one transaction.
    async fn note_verified(
        &self,
        caller: &Caller,
        rows: &BTreeMap<ManifestId, SnapshotRow>,
        found: &RepositoryReport,
        depth: VerifyDepth,
    ) -> Result<()> {
        let damaged: BTreeMap<ManifestId, &SnapshotDamage> =
            found.snapshots.iter().map(|damage| (damage.manifest, damage)).collect();
        let now = self.now();
        let mut tx = self.begin().await?;
        for (manifest, row) in rows {
            let damage = damaged.get(manifest).map(|damage| describe(damage));
            // What a shallow look does not see is not gone.
            if damage.is_none() && row.damage.is_some() && depth != VerifyDepth::Full {
                continue;
            }
            tx.set_snapshot_verified(&row.id, now, damage.as_deref()).await?;
            if let Some(damage) = damage.filter(|_| row.damage.is_none()) {
                let event = self.event(caller, "snapshot.damaged", Subject::new("snapshot", &row.id));
                let event = event.of_source(&row.tenant, row.kind, &row.source).ended(Outcome::Failed);
                tx.record(event.with(json!({"reason": damage})));
            }
        }
        let only = if rows.len() == 1 { rows.values().next() } else { None };
        let subject = match only {
            Some(row) => Subject::new("snapshot", &row.id),
            None => Subject::new("repository", "main"),
        };
        let mut event = self.event(caller, "snapshot.verified", subject);
        if let Some(row) = only {
            event = event.of_source(&row.tenant, row.kind, &row.source);
        }
        let outcome = if found.is_ok() { Outcome::Ok } else { Outcome::Failed };
        tx.record(event.ended(outcome).with(json!({
            "snapshots": rows.len(), "depth": depth, "damaged": found.snapshots.len(), "bytes": found.read_bytes,
        })));
        tx.commit().await?;
        Ok(())
    }
}

fn repository_depth(depth: VerifyDepth) -> Result<Depth> {
    Ok(match depth {
        VerifyDepth::Structure => Depth::Structure,
        VerifyDepth::Full => Depth::Full,
        VerifyDepth::Sample(percent) => match NonZeroU8::new(percent) {
            Some(percent) if percent.get() <= 100 => Depth::Sample(percent),
            _ => return Err(ServiceError::invalid("sample_percent", "it takes 1 to 100")),
        },
    })
}

fn describe(damage: &SnapshotDamage) -> String {
    match damage.lost.first() {
        None => "it cannot be restored in full".to_owned(),
        Some(first) => {
            let path = String::from_utf8_lossy(&first.path);
            let path = if path.is_empty() { "everything" } else { &*path };
            match damage.lost_count.saturating_sub(1) {
                0 => format!("`{path}` is lost"),
                more => format!("`{path}` and {more} more paths are lost"),
            }
        }
    }
}

/// What is damaged, and what each snapshot loses.
pub(crate) fn report_of(found: &RepositoryReport, rows: &BTreeMap<ManifestId, SnapshotRow>) -> VerifyReport {
    let objects = found.damaged.iter().map(|damaged| DamageReport {
        object: damaged.object.clone(),
        reason: damaged.reason.clone(),
        snapshot: None,
        lost_paths: Vec::new(),
    });
    let snapshots = found.snapshots.iter().map(|damage| DamageReport {
        object: format!("snapshots/{}", damage.manifest),
        reason: describe(damage),
        snapshot: rows
            .get(&damage.manifest)
            .map(|row| row.id.clone())
            .or_else(|| damage.snapshot.as_deref().and_then(|id| backstay_model::SnapshotId::parse(id).ok())),
        lost_paths: damage.lost.iter().map(|lost| String::from_utf8_lossy(&lost.path).into_owned()).collect(),
    });
    VerifyReport {
        healthy: found.is_ok(),
        snapshots: found.checked_snapshots,
        chunks: found.checked_blocks,
        bytes_read: found.read_bytes,
        damage: objects.chain(snapshots).collect(),
        restore_tests: Vec::new(),
    }
}
