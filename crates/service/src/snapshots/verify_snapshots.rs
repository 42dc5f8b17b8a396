//! Reads snapshots back to prove that they are there.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use backstay_catalog::SnapshotRow;
use backstay_model::{Action, Caller, ErrorKind, Outcome, SnapshotId, SnapshotState, Subject, TaskId};
use backstay_repository::{
    ManifestId, SnapshotDamage, VerifyDepth as Depth, VerifyOptions, VerifyReport as RepositoryReport,
};
use serde_json::json;

use super::mark_snapshots::Marking;
use crate::error::{Result, ServiceError};
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::tasks::Work;
use crate::view::{DamageReport, VerifyDepth, VerifyReport, VerifyScope};

/// How many lost paths are told of each snapshot.
const MOST_LOST_PATHS: usize = 1000;

impl Service {
    /// Verifies, now, in this process. Snapshots and checkpoints of jobs that lose by damage are marked, snapshots found whole are
    /// unmarked, a thousand in a transaction.
    ///
    /// Damage is no error: the report tells of it. Marks nothing and is a conflict when all is to be verified and the repository
    /// holds no snapshot although the catalog knows some: then it is another repository, or not all of it is there.
    pub async fn verify_snapshots(
        &self,
        caller: &Caller,
        scope: &VerifyScope,
        depth: VerifyDepth,
        run: &Run,
    ) -> Result<VerifyReport> {
        let rows = self.rows_to_verify(caller, scope).await?;
        let only = if let [row] = &*rows { Some(row) } else { None };
        if *scope == VerifyScope::All {
            self.check_is_same_repository().await?;
        }
        let manifest = |row: &SnapshotRow| ManifestId::parse(row.manifest_id.as_deref()?).ok();
        let options = VerifyOptions {
            depth: repository_depth(depth)?,
            manifests: match scope {
                VerifyScope::All => None,
                VerifyScope::Snapshots(_) => Some(rows.iter().filter_map(manifest).collect()),
            },
            max_lost_paths: MOST_LOST_PATHS,
            progress: run.progress.clone(),
            cancel: run.cancel.clone(),
            ..VerifyOptions::default()
        };
        let repository = self.repository().await?;
        let found = blocking("verify", move || Ok(repository.verify(&options)?)).await?;

        let damaged: Vec<ManifestId> = found.snapshots.iter().map(|damage| damage.manifest).collect();
        self.mark_damaged_states(&damaged).await?;
        let mut marking = Marking::new(self, caller, &found, depth);
        if *scope == VerifyScope::All {
            let mut pages = self.pages_in(&[SnapshotState::Ready], run);
            while let Some(page) = pages.next().await? {
                marking.mark(&page).await?;
            }
        } else {
            marking.mark(&rows).await?;
        }
        let Marking { names, missing, damaged, snapshots, .. } = marking;
        let mut report = report_of(&found, &names);
        report.healthy &= missing.is_empty();
        report.damage.extend(missing);
        let subject = match only {
            Some(row) => Subject::new("snapshot", &row.id),
            None => Subject::new("repository", "main"),
        };
        let mut event = self.event(caller, "snapshot.verified", subject);
        if let Some(row) = only {
            event = event.of_source(&row.tenant, row.kind, &row.source);
        }
        let outcome = if report.healthy { Outcome::Ok } else { Outcome::Failed };
        self.commit_event(event.ended(outcome).with(json!({
            "snapshots": snapshots, "depth": depth, "damaged": damaged, "bytes": found.read_bytes,
        })))
        .await?;
        Ok(report)
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
            match scope {
                VerifyScope::Snapshots(ids) => {
                    for id in ids {
                        let row = self.ready_snapshot(caller, id).await?;
                        report.restore_tests.push(self.test_restore(caller, &row, run).await?);
                    }
                }
                VerifyScope::All => {
                    let mut pages = self.pages_in(&[SnapshotState::Ready], run);
                    while let Some(page) = pages.next().await? {
                        for row in page {
                            match self.test_restore(caller, &row, run).await {
                                Ok(tested) => report.restore_tests.push(tested),
                                // Deleted meanwhile.
                                Err(error) if error.kind == ErrorKind::NotFound => {}
                                Err(error) => return Err(error),
                            }
                        }
                    }
                }
            }
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
        let rows = self.rows_to_verify(caller, scope).await?;
        repository_depth(depth)?;
        let subject = match scope {
            VerifyScope::Snapshots(ids) if ids.len() == 1 => ids[0].to_string(),
            VerifyScope::Snapshots(ids) => format!("{} snapshots", ids.len()),
            VerifyScope::All => "repository".to_owned(),
        };
        let source = match &*rows {
            [row] => self.read().await?.source(&row.source).await?,
            _ => None,
        };
        let work = Work::Verify { scope: scope.clone(), depth, restore_test };
        self.enqueue(caller, source.as_ref(), subject, work).await
    }

    /// Whether the scope may be verified; the rows of the snapshots that it names.
    async fn rows_to_verify(&self, caller: &Caller, scope: &VerifyScope) -> Result<Vec<SnapshotRow>> {
        match scope {
            VerifyScope::All => {
                let subject = Subject::new("repository", "main");
                self.permit(caller, None, Action::ManageTenants, &subject).await?;
                Ok(Vec::new())
            }
            VerifyScope::Snapshots(ids) => {
                let mut rows = Vec::with_capacity(ids.len());
                for id in ids {
                    rows.push(self.ready_snapshot(caller, id).await?);
                }
                Ok(rows)
            }
        }
    }

    async fn ready_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<SnapshotRow> {
        let row = self.permitted_snapshot(caller, id, Action::Verify).await?;
        if row.state != SnapshotState::Ready {
            return Err(ServiceError::conflict(format!("Snapshot {id} is {}", row.state)));
        }
        Ok(row)
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

pub(super) fn describe(damage: &SnapshotDamage) -> String {
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

/// What is damaged, and what each snapshot loses; `names` are the snapshots of manifests that do not tell it themselves.
pub(crate) fn report_of(found: &RepositoryReport, names: &BTreeMap<ManifestId, SnapshotId>) -> VerifyReport {
    let objects = found.damaged.iter().map(|damaged| DamageReport {
        object: damaged.object.clone(),
        reason: damaged.reason.clone(),
        snapshot: None,
        lost_paths: Vec::new(),
    });
    let snapshots = found.snapshots.iter().map(|damage| DamageReport {
        object: format!("snapshots/{}", damage.manifest),
        reason: describe(damage),
        snapshot: names
            .get(&damage.manifest)
            .cloned()
            .or_else(|| damage.snapshot.as_deref().and_then(|id| SnapshotId::parse(id).ok())),
        lost_paths: damage.lost.iter().map(|lost| String::from_utf8_lossy(&lost.path).into_owned()).collect(),
    });
    VerifyReport {
        healthy: found.is_ok(),
        snapshots: found.checked_snapshots.len() as u64,
        chunks: found.checked_blocks,
        bytes_read: found.read_bytes,
        damage: objects.chain(snapshots).collect(),
        restore_tests: Vec::new(),
    }
}
