//! Removing typed checkpoints: whole threads, all but the latest, those of runs.

use std::collections::{BTreeMap, HashMap, HashSet};

use backstay_catalog::{CheckpointFlags, CheckpointHead, ContentTable, JobRow, Tx};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::content::{Place, encode};
use backstay_source_job::{Channel, Json, Manifest, Value};
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
            removals.push(self.prune_thread(caller, project, thread, strategy, How { force, dry_run }).await?);
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
            let Some(job) = tx.jobs_by_number(&[number]).await?.pop() else { continue };
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
            let manifests = self.manifests(&mut tx, &keys, &ends, false).await?;
            latest.retain(|namespace, head| {
                let metadata = manifests.get(&head.number).and_then(|manifest| Json::parse(&manifest.metadata).ok());
                match metadata.as_ref().and_then(|metadata| metadata.get("parents")?.get("")) {
                    Some(Json::String(caller)) if !namespace.is_empty() => root.as_ref().is_none_or(|root| root == caller),
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
        mut doomed: HashSet<i64>,
        how: How,
    ) -> Result<ThreadRemoval> {
        let was_carrier: HashSet<i64> =
            heads.iter().filter(|head| head.flags.carrier).map(|head| head.number).collect();
        if heads.iter().any(|head| doomed.contains(&head.number) && head.flags.held) {
            return Err(ServiceError::conflict(format!("A checkpoint of {} is held", job.name)).code("held"));
        }
        // Carriers stay only as long as something needs them.
        doomed.extend(&was_carrier);
        let keys = JobKeys::of(self.keyring().await?, job);
        let remaining: Vec<i64> =
            heads.iter().map(|head| head.number).filter(|number| !doomed.contains(number)).collect();
        let manifests = self.manifests(&mut tx, &keys, &heads, remaining.is_empty()).await?;
        let needed = needed_by(&heads, &manifests, &remaining);
        let carriers: HashSet<i64> =
            if how.force { HashSet::new() } else { needed.intersection(&doomed).copied().collect() };
        let listed = |numbers: &HashSet<i64>| numbers.iter().filter(|n| !was_carrier.contains(n)).count() as u64;
        let removal = ThreadRemoval {
            thread_id: job.name.clone(),
            deleted: listed(&doomed),
            kept: remaining.len() as u64,
            carriers: carriers.len() as u64,
            writes: 0,
        };
        let gone: HashSet<i64> = doomed.difference(&carriers).copied().collect();
        let keys_of = |wanted: &HashSet<i64>| -> Vec<(String, String)> {
            let named = heads.iter().filter(|head| wanted.contains(&head.number));
            named.filter_map(|head| head.namespace.clone().zip(head.name.clone())).collect()
        };
        let writes = if remaining.is_empty() && carriers.is_empty() {
            tx.delete_writes(job.number, None).await?
        } else {
            tx.delete_writes(job.number, Some(&keys_of(&gone))).await?
        };
        let removal = ThreadRemoval { writes, ..removal };
        if how.dry_run {
            tx.roll_back().await;
            return Ok(removal);
        }
        for head in heads.iter().filter(|head| carriers.contains(&head.number) && !head.flags.carrier) {
            tx.set_checkpoint_flags(head.number, CheckpointFlags { carrier: true, ..head.flags }).await?;
        }
        if how.force {
            for head in heads.iter().filter(|head| remaining.contains(&head.number)) {
                let cut = !needed.is_disjoint(&doomed) && !head.flags.cut;
                if cut {
                    tx.set_checkpoint_flags(head.number, CheckpointFlags { cut: true, ..head.flags }).await?;
                }
            }
        }
        let going: Vec<CheckpointHead> =
            heads.iter().filter(|head| gone.contains(&head.number)).cloned().collect();
        self.remove_checkpoints(&mut tx, job, &keys, &going, removal.deleted).await?;
        let live: HashSet<i64> = manifests
            .iter()
            .filter(|(number, _)| !gone.contains(number))
            .flat_map(|(_, manifest)| manifest.stored_values())
            .collect();
        // What a damaged manifest refers to is not known, so nothing is taken away then.
        let known = heads.iter().filter(|head| !gone.contains(&head.number) && head.flags.typed);
        if known.clone().all(|head| manifests.contains_key(&head.number)) {
            self.sweep_values(&mut tx, job, &keys, &live).await?;
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

    /// The manifests of typed checkpoints by number; of none when `skip`.
    pub(super) async fn manifests(
        &self,
        tx: &mut backstay_catalog::Session,
        keys: &JobKeys,
        heads: &[CheckpointHead],
        skip: bool,
    ) -> Result<HashMap<i64, Manifest>> {
        let numbers: Vec<i64> = heads.iter().filter(|head| head.flags.typed).map(|head| head.number).collect();
        if skip || numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let contents = self.contents(tx, keys, ContentTable::Checkpoints, &numbers).await?;
        let decoded = contents.into_iter().filter(|(number, _)| numbers.contains(number));
        Ok(decoded
            .filter_map(|(number, content)| Some((number, Manifest::decode(&content.ok()?.raw).ok()?)))
            .collect())
    }

    /// Removes the channel values of a job that are not among `live`.
    async fn sweep_values(
        &self,
        tx: &mut Tx,
        job: &JobRow,
        keys: &JobKeys,
        live: &HashSet<i64>,
    ) -> Result<()> {
        let table = ContentTable::Values;
        let all = tx.values_of_job(job.number).await?;
        let dead: Vec<i64> = all.into_iter().filter(|number| !live.contains(number)).collect();
        if dead.is_empty() {
            return Ok(());
        }
        let dying: HashSet<i64> = dead.iter().copied().collect();
        let dependents = tx.encoded_against(table, &dead).await?;
        let mut spared: HashSet<i64> = HashSet::new();
        for (number, _) in dependents.into_iter().filter(|(number, _)| !dying.contains(number)) {
            let mut found = self.contents(tx, keys, table, &[number]).await?;
            let Some(Ok(content)) = found.remove(&number) else {
                spared.extend(tx.content_chains(table, &[number]).await?.iter().map(|link| link.number));
                continue;
            };
            let sealing = keys.newest();
            let encoded = encode(&sealing, &content.raw, None);
            let body = sealing.seal(Place::Value(number), &encoded.bytes, self.nonce());
            tx.rebase_content(table, number, None, &body).await?;
        }
        let dead: Vec<i64> = dead.into_iter().filter(|number| !spared.contains(number)).collect();
        tx.delete_values(&dead).await?;
        Ok(())
    }
}

/// Whether a channel has a value of its own in a checkpoint, from which its history begins.
pub(super) fn is_seed(channel: &Channel) -> bool {
    channel.value_type != "empty" || !matches!(&channel.value, Value::Inline(bytes) if bytes.is_empty())
}

/// The channels of a thread whose changes are their writes.
pub(super) fn delta_channels<'m>(manifests: impl Iterator<Item = &'m Manifest>) -> HashSet<&'m str> {
    manifests
        .flat_map(|manifest| {
            let snapshots = manifest.channels.iter().filter(|channel| channel.delta_snapshot);
            manifest.delta_channels.iter().map(String::as_str).chain(snapshots.map(|channel| channel.name.as_str()))
        })
        .collect()
}

/// What the delta channels of `remaining` need: every checkpoint back to the nearest that stores the channel's value.
fn needed_by(
    heads: &[CheckpointHead],
    manifests: &HashMap<i64, Manifest>,
    remaining: &[i64],
) -> HashSet<i64> {
    let deltas = delta_channels(manifests.values());
    let mut needed = HashSet::new();
    if deltas.is_empty() {
        return needed;
    }
    let by_name: HashMap<(&str, &str), i64> = heads
        .iter()
        .filter_map(|head| Some(((head.namespace.as_deref()?, head.name.as_deref()?), head.number)))
        .collect();
    let of: HashMap<i64, &CheckpointHead> = heads.iter().map(|head| (head.number, head)).collect();
    for start in remaining {
        for channel in &deltas {
            let mut at = *start;
            let mut seen = HashSet::new();
            while let (Some(manifest), Some(head)) = (manifests.get(&at), of.get(&at)) {
                if !seen.insert(at) || manifest.channel(channel).is_some_and(is_seed) {
                    break;
                }
                let Some(parent) = manifest.parent.as_deref() else { break };
                let namespace = head.namespace.as_deref().unwrap_or_default();
                let Some(parent) = by_name.get(&(namespace, parent)) else { break };
                needed.insert(*parent);
                at = *parent;
            }
        }
    }
    needed
}
