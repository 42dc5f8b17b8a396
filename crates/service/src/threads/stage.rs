//! Gathering typed checkpoints and pending writes for one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::{CheckpointFlags, CheckpointHead, CheckpointRow, ContentTable, ValueRow, WriteRow};
use backstay_model::ErrorKind;
use backstay_source_job::content::{Place, encode};
use backstay_source_job::{Channel, CheckpointKey, Json, MAX_INLINE_BYTES, Manifest, Record, Value};

use super::step_of;
use crate::checkpoints::{Batch, Content, JobKeys, Prepared, Request, job_key, public_id, text_hash};
use crate::error::{Result, ServiceError};
use crate::view::{NewThreadCheckpoint, NewThreadWrites, ThreadDone, ThreadOperation, TypedValue};

/// A shorter value is encoded alone.
const MIN_BASED_BYTES: usize = 1024;

/// A typed checkpoint that is there, or will be with this transaction.
struct Known {
    row: CheckpointRow,
    manifest: Manifest,
    raw: Content,
}

impl Batch<'_> {
    /// Gathers operations in their order. After a failure the rest of that thread is skipped: `None`.
    pub(crate) async fn threads(
        &mut self,
        request: &Request,
        operations: &[ThreadOperation],
    ) -> Result<Vec<Option<Result<ThreadDone>>>> {
        let mut failed: Vec<&str> = Vec::new();
        let mut done = Vec::with_capacity(operations.len());
        for operation in operations {
            let thread = match operation {
                ThreadOperation::Put(new) => new.key.thread_id.as_str(),
                ThreadOperation::PutWrites(new) => new.key.thread_id.as_str(),
            };
            if failed.contains(&thread) {
                done.push(None);
                continue;
            }
            let place = done.len();
            let result = match operation {
                ThreadOperation::Put(new) => match super::check::checkpoint(new) {
                    Ok(()) => self.put(request, place, new).await?,
                    Err(error) => Err(error),
                },
                ThreadOperation::PutWrites(new) => match super::check::writes(new) {
                    Ok(()) => self.put_writes(request, new).await.map(Ok)?,
                    Err(error) => Err(error),
                },
            };
            if result.is_err() {
                failed.push(thread);
            }
            done.push(Some(result));
        }
        Ok(done)
    }

    /// Gathers the checkpoint that is operation `place` of its request.
    async fn put(
        &mut self,
        request: &Request,
        place: usize,
        new: &NewThreadCheckpoint,
    ) -> Result<Result<ThreadDone>> {
        let key = job_key(&request.caller.tenant, &request.project, &new.key.thread_id);
        let (job, keys) = self.job(&key);
        let names = [Some(new.key.checkpoint_id.as_str()), new.parent.as_deref()];
        let [existing, parent] = self.rows_by_name(job.number, &new.key.namespace, names).await?;
        let parent = match parent {
            Some(row) => self.known(&keys, row).await?,
            None => None,
        };
        let missing: Vec<String> = new
            .keep
            .iter()
            .filter(|name| parent.as_ref().is_none_or(|parent| parent.manifest.channel(name).is_none()))
            .cloned()
            .collect();
        if !missing.is_empty() {
            let message = "The parent does not have every channel that is to be kept";
            let mut error = ServiceError::conflict(message).code("missing_channels");
            error.missing_channels = if parent.is_some() { missing } else { new.keep.clone() };
            return Ok(Err(error.hint("send these channels with their values")));
        }
        let Ok(metadata) = Json::parse(&new.metadata) else {
            return Ok(Err(ServiceError::invalid("metadata", "it must be a JSON object")));
        };
        let now = self.now;
        let mut size_bytes = new.head.data.len() as u64;
        let mut channels = Vec::with_capacity(new.changed.len() + new.keep.len());
        for (at, changed) in new.changed.iter().enumerate() {
            size_bytes += changed.value.data.len() as u64;
            let before = parent.as_ref().and_then(|parent| parent.manifest.channel(&changed.name));
            let value = match request.prepared.get(&(place, at)) {
                Some(prepared) => self.large_value(job.number, prepared),
                None => self.value(job.number, &keys, &changed.value, before).await?,
            };
            channels.push(Channel {
                name: changed.name.clone(),
                version: changed.version.clone(),
                value_type: changed.value.value_type.clone(),
                delta_snapshot: changed.delta_snapshot,
                value,
            });
        }
        if let Some(parent) = &parent {
            channels.extend(new.keep.iter().filter_map(|name| parent.manifest.channel(name)).cloned());
        }
        channels.sort_by(|a, b| a.name.cmp(&b.name));
        let manifest = Manifest {
            parent: new.parent.clone(),
            head_type: new.head.value_type.clone(),
            head: new.head.data.clone(),
            metadata: new.metadata.clone(),
            channels,
            delta_channels: match metadata.get("counters_since_delta_snapshot") {
                Some(Json::Object(fields)) => fields.iter().map(|(name, _)| name.clone()).collect(),
                _ => Vec::new(),
            },
        };
        let step_name = step_of(&metadata);
        let run = match metadata.get("run_id") {
            Some(Json::String(run)) => Some(text_hash(&[job.tenant.as_str(), &job.project, run])),
            _ => None,
        };
        let raw = manifest.encode();
        let number = match &existing {
            Some(row) => row.head.number,
            None => CheckpointKey::next(self.numbers.checkpoint, now.as_seconds()).number(),
        };
        // One that replaces another is encoded alone: what follows it may be encoded against it already.
        let base = parent.as_ref().filter(|parent| existing.is_none() && parent.row.head.number < number);
        let sealing = keys.newest();
        let encoded = encode(&sealing, &raw, base.map(|base| (&base.raw.raw[..], base.raw.chain)));
        let record = Record {
            step_name: step_name.clone(),
            workflow_version: "1.0".to_owned(),
            parent: parent.as_ref().map(|parent| {
                let metadata = Json::parse(&parent.manifest.metadata).unwrap_or(Json::Null);
                public_id(parent.row.head.number, &step_of(&metadata))
            }),
            size_bytes,
            ..Record::default()
        };
        let revision = existing.as_ref().map_or(0, |row| row.head.revision + 1);
        let revived = existing.as_ref().is_none_or(|row| row.head.flags.carrier);
        // A hold or pin is on the key, whatever the content becomes.
        let flags = existing.as_ref().map_or_else(CheckpointFlags::default, |row| row.head.flags);
        let flags = CheckpointFlags { typed: true, carrier: false, damaged: false, ..flags };
        let row = CheckpointRow {
            head: CheckpointHead {
                number,
                job: job.number,
                sequence: existing.as_ref().map_or(job.last_sequence + 1, |row| row.head.sequence),
                step: text_hash(&[&step_name]),
                at: now,
                flags,
                revision,
                expires_at: None,
                base: base.filter(|_| encoded.based).map(|base| base.row.head.number),
                parent: parent.as_ref().map(|parent| parent.row.head.number),
                namespace: Some(new.key.namespace.clone()),
                name: Some(new.key.checkpoint_id.clone()),
                run,
            },
            record: sealing.seal(Place::Record(number), &record.encode(), self.service.nonce()),
            body: sealing.seal(Place::Body(number), &encoded.bytes, self.service.nonce()),
        };
        let id = public_id(number, &step_name);
        let sequence = row.head.sequence;
        self.note_content(
            ContentTable::Checkpoints,
            number,
            Content { raw: Arc::new(raw), chain: encoded.chain },
        );
        match existing {
            None => {
                self.numbers.checkpoint = number;
                self.rows.push(row);
            }
            Some(_) => self.replace(&keys, row).await?,
        }
        self.moved(
            request,
            &key,
            revived,
            (sequence > job.last_sequence).then(|| (sequence, number, id.clone())),
        );
        let action = if revision == 0 { "checkpoint.created" } else { "checkpoint.replaced" };
        self.note_event(request, action, &id, &job);
        let checkpoint_id = new.key.checkpoint_id.clone();
        Ok(Ok(ThreadDone::Put { checkpoint_id, id, sequence, replaced: revision > 0 }))
    }

    /// Stores the value of a channel, in the manifest when it is short.
    async fn value(
        &mut self,
        job: i64,
        keys: &JobKeys,
        value: &TypedValue,
        before: Option<&Channel>,
    ) -> Result<Value> {
        if value.data.len() <= MAX_INLINE_BYTES {
            return Ok(Value::Inline(value.data.clone()));
        }
        let before = match before.map(|channel| &channel.value) {
            Some(Value::Stored(number)) if value.data.len() >= MIN_BASED_BYTES => Some(*number),
            _ => None,
        };
        let base = match before {
            Some(number) => self.content(keys, ContentTable::Values, number).await?,
            None => None,
        };
        self.numbers.other += 1;
        let number = self.numbers.other;
        let sealing = keys.newest();
        let encoded = encode(&sealing, &value.data, base.as_ref().map(|base| (&base.raw[..], base.chain)));
        let body = sealing.seal(Place::Value(number), &encoded.bytes, self.service.nonce());
        self.values.push(ValueRow { number, job, base: before.filter(|_| encoded.based), body });
        let content = Content { raw: Arc::new(value.data.clone()), chain: encoded.chain };
        self.note_content(ContentTable::Values, number, content);
        Ok(Value::Stored(number))
    }

    /// Refers to the value of a channel that lies in the repository.
    fn large_value(&mut self, job: i64, prepared: &Prepared) -> Value {
        self.numbers.other += 1;
        let number = self.numbers.other;
        let body = prepared.seal(Place::Value(number), self.service.nonce());
        self.values.push(ValueRow { number, job, base: None, body });
        self.stored.push(prepared.row(job, ContentTable::Values, number));
        Value::Stored(number)
    }

    async fn put_writes(&mut self, request: &Request, new: &NewThreadWrites) -> Result<ThreadDone> {
        let key = job_key(&request.caller.tenant, &request.project, &new.key.thread_id);
        let (job, keys) = self.job(&key);
        let sealing = keys.newest();
        let overwrite = new.writes.iter().all(|write| write.index < 0);
        let mut rows: HashMap<i64, WriteRow> = HashMap::new();
        for write in &new.writes {
            self.numbers.other += 1;
            let number = self.numbers.other;
            let encoded = encode(&sealing, &write.value.data, None);
            let row = WriteRow {
                number,
                job: job.number,
                namespace: new.key.namespace.clone(),
                name: new.key.checkpoint_id.clone(),
                task: new.task_id.clone(),
                index: write.index,
                task_path: new.task_path.clone(),
                channel: write.channel.clone(),
                value_type: write.value.value_type.clone(),
                body: sealing.seal(Place::Write(number), &encoded.bytes, self.service.nonce()),
            };
            // Of two with one index in one call, the first counts, or with special ones the last.
            if overwrite || !rows.contains_key(&write.index) {
                rows.insert(write.index, row);
            }
        }
        let mut rows: Vec<WriteRow> = rows.into_values().collect();
        rows.sort_by_key(|row| row.number);
        let stored = self.tx.insert_writes(&rows, overwrite).await?;
        self.moved(request, &key, false, None);
        self.wrote = true;
        Ok(ThreadDone::Written { stored })
    }

    /// The checkpoints with these names, each in the place of its name.
    async fn rows_by_name<const N: usize>(
        &mut self,
        job: i64,
        namespace: &str,
        names: [Option<&str>; N],
    ) -> Result<[Option<CheckpointRow>; N]> {
        let mut found = names.map(|name| {
            let name = name?;
            let staged = self.rows.iter().find(|row| {
                row.head.job == job
                    && row.head.name.as_deref() == Some(name)
                    && row.head.namespace.as_deref() == Some(namespace)
            });
            staged.cloned()
        });
        let missing = names.into_iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<&str> = missing.filter_map(|(name, _)| name).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        for row in self.tx.checkpoints_by_name(job, namespace, &missing).await? {
            for (found, name) in found.iter_mut().zip(names) {
                if name.is_some() && row.head.name.as_deref() == name {
                    *found = Some(row.clone());
                }
            }
        }
        Ok(found)
    }

    /// A typed checkpoint, when its manifest can be read; a carrier too, because a client may go on from what it has.
    async fn known(&mut self, keys: &JobKeys, row: CheckpointRow) -> Result<Option<Known>> {
        let number = row.head.number;
        let table = ContentTable::Checkpoints;
        let raw = if let Some(found) = self.fresh_content(table, number) {
            Some(found)
        } else {
            let (base, body) = (row.head.base, row.body.clone());
            self.service.content_of(&mut self.tx, keys, table, number, base, body).await?.ok()
        };
        Ok(raw.and_then(|raw| {
            let manifest = Manifest::decode(&raw.raw).ok()?;
            Some(Known { row, manifest, raw })
        }))
    }

    /// Puts `row` in the place of the one with the same number.
    async fn replace(&mut self, keys: &JobKeys, row: CheckpointRow) -> Result<()> {
        let number = row.head.number;
        let needed = self.rows.iter().any(|staged| staged.head.base == Some(number));
        let staged = self.rows.iter_mut().find(|staged| staged.head.number == number);
        if let Some(staged) = staged.filter(|_| !needed) {
            *staged = row;
            return Ok(());
        }
        self.flush().await?;
        // What is encoded against the old content is encoded again, alone.
        for (dependent, _) in self.tx.encoded_against(ContentTable::Checkpoints, &[number]).await? {
            let table = ContentTable::Checkpoints;
            let mut found = self.service.contents_on_disk(&mut self.tx, keys, table, &[dependent]).await?;
            let Some(Ok(content)) = found.remove(&dependent) else {
                return Err(ServiceError::new(
                    ErrorKind::Damaged,
                    "A checkpoint that follows the replaced one is damaged",
                ));
            };
            let sealing = keys.newest();
            let encoded = encode(&sealing, &content.raw, None);
            let body = sealing.seal(Place::Body(dependent), &encoded.bytes, self.service.nonce());
            self.tx.rebase_content(table, dependent, None, &body).await?;
        }
        self.tx.replace_checkpoint(&row).await?;
        Ok(())
    }
}
