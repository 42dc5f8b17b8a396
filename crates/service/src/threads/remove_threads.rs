//! Removing typed checkpoints: whole threads, all but the latest, those of runs.

use std::collections::{BTreeMap, HashMap, HashSet};

use backstay_catalog::{CheckpointHead, ContentTable, JobRow, Session, Tx};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::{Json, Manifest};
use serde_json::json;

use crate::checkpoints::{JobKeys, check_project, find_job, source_of, text_hash};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};
use crate::view::ThreadRemoval;

/// What a pruning keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// The latest checkpoint of each namespace.
    KeepLatest,
    /// Nothing.
    Delete,
}

/// How a removal is done.
#[derive(Clone, Copy)]
struct How {
    /// Drop also what delta channels of remaining checkpoints need.
    force: bool,
    /// Only tell.
    dry_run: bool,
}

impl Service {
    /// Removes a thread with everything in it. Held checkpoints are a conflict. An unknown thread has nothing to remove.
    pub async fn delete_thread(
        &self,
        caller: &Caller,
        project: &str,
        thread_id: &str,
        dry_run: bool,
    ) -> Result<ThreadRemoval> {
        self.permit_removal(caller, project, thread_id).await?;
        self.prune_thread(caller, project, thread_id, Prune::Delete, How { force: true, dry_run }).await
    }

    /// Prunes threads, each in one transaction.
    pub async fn prune_threads(
        &self,
        caller: &Caller,
        project: &str,
        threads: &[String],
        strategy: Prune,
        force: bool,
        dry_run: bool,
    ) -> Result<Vec<ThreadRemoval>> {
        self.permit_removal(caller, project, "*").await?;
        let mut removals = Vec::with_capacity(threads.len());
        for thread in threads {
            removals
                .push(self.prune_thread(caller, project, thread, strategy, How { force, dry_run }).await?);
        }
        Ok(removals)
    }

    /// Removes the checkpoints that these runs saved, thread by thread.
    pub async fn delete_runs(
        &self,
        caller: &Caller,
        project: &str,
        runs: &[String],
        force: bool,
        dry_run: bool,
    ) -> Result<Vec<ThreadRemoval>> {
        self.permit_removal(caller, project, "*").await?;
        let mut jobs: BTreeMap<i64, HashSet<i64>> = BTreeMap::new();
        let mut read = self.read().await?;
        for run in runs {
            let hash = text_hash(&[caller.tenant.as_str(), project, run]);
            for head in read.checkpoints_of_run(hash).await? {
                jobs.entry(head.job).or_default().insert(head.number);
            }
        }
        drop(read);
        let mut removals = Vec::with_capacity(jobs.len());
        for (number, doomed) in jobs {
            let mut tx = self.begin().await?;
            let job = tx.jobs_by_number(&[number]).await?.pop();
            let Some(job) = job.filter(|job| job.expired_at.is_none()) else { continue };
            let heads = tx.all_checkpoint_heads(number).await?;
            let doomed = heads.iter().map(|head| head.number).filter(|n| doomed.contains(n)).collect();
            removals.push(self.remove_typed(caller, tx, &job, heads, doomed, How { force, dry_run }).await?);
        }
        Ok(removals)
    }

    async fn permit_removal(&self, caller: &Caller, project: &str, thread: &str) -> Result<()> {
        check_project(project)?;
        // Opening the keys may take a transaction, so it comes before one is begun.
        self.keyring().await?;
        self.permit(caller, Some(Kind::Job), Action::Delete, &Subject::new("job", thread)).await
    }

    async fn prune_thread(
        &self,
        caller: &Caller,
        project: &str,
        thread_id: &str,
        strategy: Prune,
        how: How,
    ) -> Result<ThreadRemoval> {
        let mut tx = self.begin().await?;
        let Some(job) = find_job(&mut tx, caller, project, thread_id).await? else {
            return Ok(ThreadRemoval { thread_id: thread_id.to_owned(), ..ThreadRemoval::default() });
        };
        let heads = tx.all_checkpoint_heads(job.number).await?;
        let mut latest: HashMap<&str, &CheckpointHead> = HashMap::new();
        if strategy == Prune::KeepLatest {
            for head in heads.iter().filter(|head| !head.flags.carrier) {
                let place = latest.entry(head.namespace.as_deref().unwrap_or_default()).or_insert(head);
                if head.name > place.name {
                    *place = head;
                }
            }
            // The namespace of a call of a subgraph goes with the checkpoint of the root that it belonged to.
            let root = latest.get("").and_then(|head| head.name.clone());
            let keys = JobKeys::of(self.keyring().await?, &job);
            let ends: Vec<CheckpointHead> = latest.values().map(|head| (*head).clone()).collect();
            let manifests = self.manifests(&mut tx, &keys, &ends).await?;
            latest.retain(|namespace, head| {
                let metadata =
                    manifests.get(&head.number).and_then(|manifest| Json::parse(&manifest.metadata).ok());
                match metadata.as_ref().and_then(|metadata| metadata.get("parents")?.get("")) {
                    Some(Json::String(caller)) if !namespace.is_empty() => {
                        root.as_ref().is_none_or(|root| root == caller)
                    }
                    _ => true,
                }
            });
        }
        let kept: HashSet<i64> = latest.values().map(|head| head.number).collect();
        let doomed = heads.iter().map(|head| head.number).filter(|number| !kept.contains(number)).collect();
        self.remove_typed(caller, tx, &job, heads, doomed, how).await
    }

    /// Removes `doomed` of a job in one transaction, which it commits.
    async fn remove_typed(
        &self,
        caller: &Caller,
        mut tx: Tx,
        job: &JobRow,
        heads: Vec<CheckpointHead>,
        doomed: HashSet<i64>,
        how: How,
    ) -> Result<ThreadRemoval> {
        if heads.iter().any(|head| doomed.contains(&head.number) && head.flags.held) {
            return Err(ServiceError::conflict(format!("A checkpoint of {} is held", job.name))
                .code("held")
                .hint("an administrator can release the hold"));
        }
        let keys = JobKeys::of(self.keyring().await?, job);
        let removed = self.remove_checkpoints(&mut tx, job, &keys, &heads, doomed, how.force).await?;
        let removal = ThreadRemoval {
            thread_id: job.name.clone(),
            deleted: removed.unlisted,
            kept: removed.kept,
            carriers: removed.carriers,
            writes: removed.writes,
        };
        if how.dry_run {
            tx.roll_back().await;
            return Ok(removal);
        }
        if removal.deleted > 0 {
            let event = self.event(caller, "checkpoint.deleted", Subject::new("job", &source_of(job)));
            let event = event.of_source(&job.tenant, Kind::Job, &source_of(job));
            let data = json!({"job_id": job.name, "deleted": removal.deleted, "kept": removal.kept, "carriers": removal.carriers});
            tx.record(event.with(data));
        }
        tx.commit().await?;
        Ok(removal)
    }

    /// The manifests of typed checkpoints by number.
    pub(crate) async fn manifests(
        &self,
        session: &mut Session,
        keys: &JobKeys,
        heads: &[CheckpointHead],
    ) -> Result<HashMap<i64, Manifest>> {
        let numbers: Vec<i64> =
            heads.iter().filter(|head| head.flags.typed).map(|head| head.number).collect();
        if numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let contents = self.contents(session, keys, ContentTable::Checkpoints, &numbers).await?;
        let decoded = contents.into_iter().filter(|(number, _)| numbers.contains(number));
        Ok(decoded
            .filter_map(|(number, content)| Some((number, Manifest::decode(&content.ok()?.raw).ok()?)))
            .collect())
    }
}
