//! Copying a thread, and forking from one of its checkpoints.

use std::collections::{HashMap, HashSet};

use backstay_catalog::{CheckpointFlags, CheckpointHead, CheckpointRow, NewJob, WriteRow};
use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::content::{Place, encode};
use backstay_source_job::{CheckpointKey, Json, Manifest, Record, Value};
use serde_json::json;

use super::copy_values::{CopiedValues, Missing};
use super::get_tuple::pending;
use super::step_of;
use crate::checkpoints::{
    Content, JobKeys, Prepared, any_job, check_job_name, check_project, find_job, job_key, public_id,
    source_of, text_hash,
};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{ThreadCopy, ThreadKey};

impl Service {
    /// Copies a thread with its ids, parents, namespaces and writes into an empty one, in one transaction.
    pub async fn copy_thread(
        &self,
        caller: &Caller,
        project: &str,
        from: &str,
        to: &str,
        dry_run: bool,
    ) -> Result<ThreadCopy> {
        self.copy(caller, project, from, None, to, dry_run).await
    }

    /// Copies a checkpoint with all its ancestors and their writes into an empty thread, in one transaction.
    pub async fn fork_thread(
        &self,
        caller: &Caller,
        project: &str,
        from: &ThreadKey,
        latest: bool,
        to: &str,
        dry_run: bool,
    ) -> Result<ThreadCopy> {
        self.copy(caller, project, &from.thread_id, Some((from, latest)), to, dry_run).await
    }

    /// Values in the repository are copied there first, so that no transaction waits for that.
    async fn copy(
        &self,
        caller: &Caller,
        project: &str,
        from: &str,
        only: Option<(&ThreadKey, bool)>,
        to: &str,
        dry_run: bool,
    ) -> Result<ThreadCopy> {
        let mut prepared = HashMap::new();
        loop {
            match self.copy_once(caller, project, from, only, to, dry_run, &prepared).await? {
                Ok(copied) => return Ok(copied),
                Err(missing) => {
                    prepared.extend(self.prepare_values(caller, project, (from, to), missing).await?);
                }
            }
        }
    }

    /// Copies when every value that lies in the repository is among `prepared`, and else tells which are not.
    #[expect(clippy::too_many_arguments, reason = "they are those of `copy`, and what it prepared")]
    async fn copy_once(
        &self,
        caller: &Caller,
        project: &str,
        from: &str,
        only: Option<(&ThreadKey, bool)>,
        to: &str,
        dry_run: bool,
        prepared: &HashMap<i64, Prepared>,
    ) -> Result<Result<ThreadCopy, Missing>> {
        check_project(project)?;
        let mut fields = Fields::default();
        check_job_name(&mut fields, "from", from);
        check_job_name(&mut fields, "to", to);
        fields.finish()?;
        self.permit(caller, Some(Kind::Job), Action::Capture, &Subject::new("job", to)).await?;
        let ring = self.keyring().await?;
        let mut tx = self.begin().await?;
        if let Some(target) = any_job(&mut tx, caller, project, to).await?
            && (target.checkpoints > 0 || !tx.writes_of_job(target.number).await?.is_empty())
        {
            return Err(ServiceError::conflict(format!("Thread {to} is not empty")).code("target_not_empty"));
        }
        let Some(source) = find_job(&mut tx, caller, project, from).await? else {
            if only.is_some() {
                return Err(ServiceError::not_found("Checkpoint"));
            }
            return Ok(Ok(ThreadCopy::default()));
        };
        let keys = JobKeys::of(ring.clone(), &source);
        let mut heads = tx.all_checkpoint_heads(source.number).await?;
        heads.retain(|head| head.flags.typed);
        let mut manifests = self.manifests(&mut tx, &keys, &heads).await?;
        if manifests.len() != heads.len() {
            return Err(crate::checkpoints::damaged(from));
        }
        if let Some((key, latest)) = only {
            let wanted = ancestors(&heads, &manifests, key, latest)
                .ok_or_else(|| ServiceError::not_found("Checkpoint"))?;
            heads.retain(|head| wanted.contains(&head.number));
            manifests.retain(|number, _| wanted.contains(number));
        }
        let names: HashSet<(&str, &str)> = heads
            .iter()
            .filter_map(|head| Some((head.namespace.as_deref()?, head.name.as_deref()?)))
            .collect();
        let mut writes = tx.writes_of_job(source.number).await?;
        if only.is_some() {
            writes.retain(|write| names.contains(&(write.namespace.as_str(), write.name.as_str())));
        }
        let carriers = heads.iter().filter(|head| head.flags.carrier).count() as u64;
        let copied =
            ThreadCopy { checkpoints: heads.len() as u64 - carriers, writes: writes.len() as u64, carriers };
        if dry_run {
            return Ok(Ok(copied));
        }
        let now = self.now();
        let new = NewJob {
            key: job_key(&caller.tenant, project, to),
            tenant: caller.tenant.clone(),
            project: project.to_owned(),
            name: to.to_owned(),
            created_at: now,
        };
        let target = tx.ensure_jobs(std::slice::from_ref(&new)).await?.pop();
        let target = target.ok_or_else(|| ServiceError::not_found("Job"))?;
        let target_keys = JobKeys::of(ring, &target);
        let sealing = target_keys.newest();
        let mut numbers = tx.job_numbers().await?;
        let order: HashSet<i64> = manifests.values().flat_map(Manifest::stored_values).collect();
        let order = order.into_iter().collect();
        let values = self
            .copy_values(&mut tx, (&source, &keys), (&target, &sealing), &mut numbers, order, prepared)
            .await?;
        let CopiedValues { rows: values, stored, moved } = match values {
            Ok(values) => values,
            Err(missing) => return Ok(Err(missing)),
        };
        let mut rows: Vec<CheckpointRow> = Vec::with_capacity(heads.len());
        let mut renumbered: HashMap<i64, (i64, String)> = HashMap::new();
        let mut last: Option<Content> = None;
        let mut newest = None;
        for (place, head) in heads.iter().enumerate() {
            let Some(manifest) = manifests.get_mut(&head.number) else { continue };
            for channel in &mut manifest.channels {
                if let Value::Stored(number) = &mut channel.value {
                    *number = moved.get(number).copied().unwrap_or(*number);
                }
            }
            let number = CheckpointKey::next(numbers.checkpoint, now.as_seconds()).number();
            numbers.checkpoint = number;
            let raw = manifest.encode();
            let base = last.as_ref().zip(rows.last().map(|row| row.head.number));
            let encoded = encode(&sealing, &raw, base.map(|(base, _)| (&base.raw[..], base.chain)));
            let metadata = Json::parse(&manifest.metadata).unwrap_or(Json::Null);
            let step_name = step_of(&metadata);
            let parent = head.parent.and_then(|parent| renumbered.get(&parent).cloned());
            let id = public_id(number, &step_name);
            let record = Record {
                step_name: step_name.clone(),
                workflow_version: "1.0".to_owned(),
                parent: parent.as_ref().map(|(_, id)| id.clone()),
                size_bytes: raw.len() as u64,
                ..Record::default()
            };
            if !head.flags.carrier {
                newest = Some((number, id.clone()));
            }
            let run = match metadata.get("run_id") {
                Some(Json::String(run)) => Some(text_hash(&[caller.tenant.as_str(), project, run])),
                _ => None,
            };
            rows.push(CheckpointRow {
                head: CheckpointHead {
                    number,
                    job: target.number,
                    sequence: target.last_sequence + place as u64 + 1,
                    step: text_hash(&[&step_name]),
                    at: head.at,
                    flags: CheckpointFlags { pinned: false, held: false, ..head.flags },
                    revision: 0,
                    expires_at: None,
                    base: base.map(|(_, base)| base).filter(|_| encoded.based),
                    parent: parent.map(|(parent, _)| parent),
                    namespace: head.namespace.clone(),
                    name: head.name.clone(),
                    run,
                },
                record: sealing.seal(Place::Record(number), &record.encode(), self.nonce()),
                body: sealing.seal(Place::Body(number), &encoded.bytes, self.nonce()),
            });
            renumbered.insert(head.number, (number, id));
            last = Some(Content { raw: std::sync::Arc::new(raw), chain: encoded.chain });
        }
        let mut copies = Vec::with_capacity(writes.len());
        for write in writes {
            let opened = pending(&keys, write.clone())?;
            numbers.other += 1;
            let number = numbers.other;
            let encoded = encode(&sealing, &opened.write.value.data, None);
            let body = sealing.seal(Place::Write(number), &encoded.bytes, self.nonce());
            copies.push(WriteRow { number, job: target.number, body, ..write });
        }
        tx.insert_values(&values).await?;
        tx.insert_stored_contents(&stored).await?;
        tx.insert_checkpoints(&rows).await?;
        tx.insert_writes(&copies, false).await?;
        tx.set_job_numbers(numbers).await?;
        let mut progress = target.progress();
        progress.first_sequence = target.last_sequence + 1;
        progress.last_sequence += rows.len() as u64;
        progress.checkpoints = copied.checkpoints;
        (progress.expired_at, progress.updated_at) = (None, now);
        (progress.newest, progress.newest_id) = newest.unzip();
        tx.move_jobs(&[progress]).await?;
        let event = self.event(caller, "job.copied", Subject::new("job", &source_of(&target)));
        let data = json!({"job_id": to, "from": from, "checkpoints": copied.checkpoints});
        tx.record(event.of_source(&target.tenant, Kind::Job, &source_of(&target)).with(data));
        tx.commit().await?;
        Ok(Ok(copied))
    }
}

/// The numbers of the checkpoint and all its ancestors; `None` when there is no such listed checkpoint.
fn ancestors(
    heads: &[CheckpointHead],
    manifests: &HashMap<i64, Manifest>,
    key: &ThreadKey,
    latest: bool,
) -> Option<HashSet<i64>> {
    let own = || heads.iter().filter(|head| head.namespace.as_deref() == Some(key.namespace.as_str()));
    let start = own().filter(|head| !head.flags.carrier);
    let start = if latest {
        start.max_by_key(|head| head.name.clone())?
    } else {
        start.into_iter().find(|head| head.name.as_deref() == Some(key.checkpoint_id.as_str()))?
    };
    let by_name: HashMap<&str, i64> =
        own().filter_map(|head| Some((head.name.as_deref()?, head.number))).collect();
    let mut found = HashSet::new();
    let mut at = Some(start.number);
    while let Some(number) = at.filter(|number| found.insert(*number)) {
        let parent = manifests.get(&number).and_then(|manifest| manifest.parent.as_deref());
        at = parent.and_then(|parent| by_name.get(parent).copied());
    }
    Some(found)
}
