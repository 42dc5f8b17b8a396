//! One transaction of saves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use backstay_catalog::{
    CheckpointFlags, CheckpointHead, CheckpointRow, ContentTable, JobNumbers, JobRow, NewJob,
    StoredContentRow, Tx, ValueRow,
};
use backstay_model::{ErrorKind, EventDraft, Kind, SourceId, Subject, Timestamp};
use backstay_repository::ManifestId;
use backstay_source_job::content::{Place, encode};
use backstay_source_job::{CheckpointKey, Record};
use serde_json::json;

use super::cache::Content;
use super::contents::place;
use super::item::{item, record};
use super::keyring::{JobKeys, Keyring};
use super::queue::{Answer, Request, Work};
use super::stored::Prepared;
use super::{job_key, public_id, text_hash};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};
use crate::view::{Checkpoint, NewCheckpoint, ThreadOperation};

/// A shorter state is encoded alone, so its parent's need not be at hand.
const MIN_BASED_BYTES: usize = 1024;

/// A job in this transaction.
struct OpenJob {
    row: JobRow,
    keys: JobKeys,
    moved: bool,
    /// It was made in this transaction.
    made: bool,
}

/// What is gathered for one transaction.
pub(crate) struct Batch<'s> {
    pub(crate) service: &'s Service,
    pub(crate) tx: Tx,
    ring: Keyring,
    pub(crate) now: Timestamp,
    pub(crate) numbers: JobNumbers,
    jobs: HashMap<Vec<u8>, OpenJob>,
    pub(crate) rows: Vec<CheckpointRow>,
    pub(crate) values: Vec<ValueRow>,
    /// Which of these hold contents in the repository.
    pub(crate) stored: Vec<StoredContentRow>,
    events: Vec<EventDraft>,
    fresh: HashMap<(bool, i64), Content>,
    /// Something was added, so that the numbers must be noted.
    pub(crate) wrote: bool,
}

/// What a transaction of saves did.
pub(super) struct Done {
    /// What became of each request.
    pub(super) answers: Vec<Result<Answer>>,
    /// What was prepared and is not referred to.
    pub(super) unused: Vec<ManifestId>,
}

impl<'s> Batch<'s> {
    /// Does what all of `requests` want and commits it. After an error nothing was done, unless the connection broke while
    /// the commit was under way.
    pub(super) async fn run(service: &'s Service, requests: &[Request]) -> Result<Done> {
        let ring = service.keyring().await?;
        let mut tx = service.begin().await?;
        let now = service.now();
        let jobs = open_jobs(&mut tx, requests, &ring, now).await?;
        let numbers = tx.job_numbers().await?;
        let mut batch = Self {
            service,
            tx,
            ring,
            now,
            numbers,
            jobs,
            rows: Vec::new(),
            values: Vec::new(),
            stored: Vec::new(),
            wrote: false,
            events: Vec::new(),
            fresh: HashMap::new(),
        };
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(batch.request(request).await?);
        }
        let used = batch.finish().await?;
        let prepared = requests.iter().flat_map(|request| request.prepared.values());
        let fresh = prepared.filter(|prepared| prepared.is_fresh()).map(Prepared::manifest);
        let unused = fresh.filter(|manifest| !used.contains(manifest)).collect();
        Ok(Done { answers, unused })
    }

    async fn request(&mut self, request: &Request) -> Result<Result<Answer>> {
        if request.prepared.values().any(|prepared| prepared.is_stale(self.now)) {
            let message = "Saving took too long; nothing was saved";
            return Ok(Err(ServiceError::new(ErrorKind::Unavailable, message).hint("send it again")));
        }
        let (new, atomic) = match &request.work {
            Work::Create { new, atomic } => (new, atomic),
            Work::Thread(operations) => {
                return Ok(Ok(Answer::Threads(self.threads(request, operations).await?)));
            }
            Work::Complete(completion) => {
                let ended = self.complete(request, completion).await?;
                return Ok(ended.map(|step| Answer::Completed(Box::new(step))));
            }
            Work::Fork(fork) => {
                let started = self.fork(request, fork).await?;
                return Ok(started.map(|execution| Answer::Forked(Box::new(execution))));
            }
        };
        let before = (self.rows.len(), self.events.len(), self.numbers, self.stored.len());
        // A single state that is refused leaves nothing behind.
        let progress: Vec<_> = if *atomic && new.len() > 1 {
            self.jobs.iter().map(|(key, job)| (key.clone(), job.row.clone(), job.moved, job.made)).collect()
        } else {
            Vec::new()
        };
        let mut done = Vec::with_capacity(new.len());
        for (index, new) in new.iter().enumerate() {
            let result = match new {
                Ok(new) => self.create(request, new, request.prepared.get(&(index, 0))).await?,
                Err(error) => Err(error.repeated()),
            };
            match result {
                Err(mut error) if *atomic => {
                    self.rows.truncate(before.0);
                    self.events.truncate(before.1);
                    self.numbers = before.2;
                    self.stored.truncate(before.3);
                    // The numbers will be given again.
                    self.fresh.retain(|(is_value, number), _| *is_value || *number <= before.2.checkpoint);
                    for (key, row, moved, made) in progress {
                        let keys = JobKeys::of(self.ring.clone(), &row);
                        self.jobs.insert(key, OpenJob { row, keys, moved, made });
                    }
                    error.index = Some(index);
                    return Ok(Err(error));
                }
                result => done.push(result),
            }
        }
        Ok(Ok(Answer::Created(done)))
    }

    /// Gathers one state, which lies in the repository already when it is `prepared`. The inner error is the client's and
    /// leaves nothing behind.
    pub(crate) async fn create(
        &mut self,
        request: &Request,
        new: &NewCheckpoint,
        prepared: Option<&Prepared>,
    ) -> Result<Result<Checkpoint>> {
        let key = job_key(&request.caller.tenant, &request.project, &new.job_id);
        let job = self.jobs.get(&key).expect("the jobs of all requests are open");
        let (row, keys) = (job.row.clone(), job.keys.clone());
        if let Some(epoch) = new.epoch.filter(|epoch| *epoch < row.epoch) {
            let message =
                format!("Job {} was resumed as epoch {}; this writer has {epoch}", row.name, row.epoch);
            return Ok(Err(ServiceError::conflict(message)
                .code("stale_epoch")
                .hint("stop this writer: another one goes on from the checkpoint that was restored")));
        }
        let parent = match &new.parent_id {
            None => row.newest.zip(row.newest_id.clone()),
            Some(id) => match self.parent(&row, &keys, id).await? {
                Some(number) => Some((number, id.clone())),
                None => {
                    return Ok(Err(ServiceError::invalid(
                        "parent_id",
                        "the job has no checkpoint with this id",
                    )));
                }
            },
        };
        let number = CheckpointKey::next(self.numbers.checkpoint, self.now.as_seconds()).number();
        let sealing = keys.newest();
        let raw = new.raw();
        let table = ContentTable::Checkpoints;
        let (body, based) = if let Some(prepared) = prepared {
            self.stored.push(prepared.row(row.number, table, number));
            (prepared.seal(place(table, number), self.service.nonce()), false)
        } else {
            let base = match &parent {
                Some((parent, _)) if raw.len() >= MIN_BASED_BYTES => {
                    self.content(&keys, table, *parent).await?
                }
                _ => None,
            };
            let encoded = encode(&sealing, raw, base.as_ref().map(|base| (&base.raw[..], base.chain)));
            if raw.len() >= MIN_BASED_BYTES {
                let content = Content { raw: Arc::new(raw.to_vec()), chain: encoded.chain };
                self.note_content(table, number, content);
            }
            (sealing.seal(place(table, number), &encoded.bytes, self.service.nonce()), encoded.based)
        };
        let description = Record {
            step_name: new.step_name.clone(),
            workflow_name: new.workflow_name.clone(),
            workflow_version: new.workflow_version.clone().unwrap_or_else(|| "1.0".to_owned()),
            metadata: new.metadata.clone(),
            parent: parent.as_ref().map(|(_, id)| id.clone()),
            execution: new.execution_id.clone(),
            epoch: new.epoch,
            size_bytes: raw.len() as u64,
        };
        let sealed = sealing.seal(Place::Record(number), &description.encode(), self.service.nonce());
        let head = CheckpointHead {
            number,
            job: row.number,
            sequence: row.last_sequence + 1,
            step: text_hash(&[&new.step_name]),
            at: self.now,
            flags: CheckpointFlags { pinned: new.pinned, ..CheckpointFlags::default() },
            revision: 0,
            expires_at: new.ttl_s.map(|ttl| self.now.plus_seconds(i64::try_from(ttl).unwrap_or(i64::MAX))),
            base: based.then_some(parent.as_ref().map(|(number, _)| *number)).flatten(),
            parent: parent.as_ref().map(|(number, _)| *number),
            namespace: None,
            name: None,
            run: None,
        };
        let id = public_id(number, &new.step_name);
        self.numbers.checkpoint = number;
        self.moved(request, &key, true, Some((head.sequence, number, id.clone())));
        let made = item(&row, &head, Some(description));
        self.note_event(request, "checkpoint.created", &id, &row);
        self.rows.push(CheckpointRow { head, record: sealed, body });
        Ok(Ok(made))
    }

    pub(crate) fn note_event(&mut self, request: &Request, action: &str, id: &str, job: &JobRow) {
        let event = self.event(request, action, Subject::new("checkpoint", id), job);
        self.events.push(event);
    }

    fn event(&self, request: &Request, action: &str, subject: Subject, job: &JobRow) -> EventDraft {
        let service = match &request.cause {
            Some(id) => self.service.for_request(id),
            None => self.service.clone(),
        };
        let event = service.event(&request.caller, action, subject);
        event.of_source(&job.tenant, Kind::Job, &source_of(job)).with(json!({"job_id": job.name}))
    }

    /// The job with this key; the jobs of all requests are open.
    pub(crate) fn job(&self, key: &[u8]) -> (JobRow, JobKeys) {
        let job = self.jobs.get(key).expect("the jobs of all requests are open");
        (job.row.clone(), job.keys.clone())
    }

    /// Notes that a job was saved to, which brings it back when it was expired: whether one more checkpoint is listed, and the newest when there is a new one.
    pub(crate) fn moved(
        &mut self,
        request: &Request,
        key: &[u8],
        listed: bool,
        newest: Option<(u64, i64, String)>,
    ) {
        let job = self.jobs.get_mut(key).expect("the jobs of all requests are open");
        job.moved = true;
        job.row.updated_at = self.now;
        // One whose content was removed has nothing that could come back.
        let came_back = job.row.expired_at.take().is_some() && job.row.retain_at.is_some();
        job.row.checkpoints += u64::from(listed);
        if let Some((sequence, number, id)) = newest {
            job.row.last_sequence = sequence;
            job.row.newest = Some(number);
            job.row.newest_id = Some(id);
        }
        if came_back {
            let row = job.row.clone();
            let source = source_of(&row);
            let event = self.event(request, "job.unexpired", Subject::new("job", &source), &row);
            self.events.push(event);
        }
    }

    pub(crate) fn note_content(&mut self, table: ContentTable, number: i64, content: Content) {
        self.fresh.insert((table == ContentTable::Values, number), content);
    }

    pub(crate) fn fresh_content(&self, table: ContentTable, number: i64) -> Option<Content> {
        self.fresh.get(&(table == ContentTable::Values, number)).cloned()
    }

    /// The content with this number; `None` when it cannot be read, so that damage never spreads, or lies in the repository,
    /// where nothing is encoded against it.
    pub(crate) async fn content(
        &mut self,
        keys: &JobKeys,
        table: ContentTable,
        number: i64,
    ) -> Result<Option<Content>> {
        if let Some(found) = self.fresh_content(table, number) {
            return Ok(Some(found));
        }
        let mut found = self.service.contents_in_catalog(&mut self.tx, keys, table, &[number]).await?;
        Ok(found.here.remove(&number).and_then(Result::ok))
    }

    /// Writes what was gathered so far.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        let (values, rows) = (std::mem::take(&mut self.values), std::mem::take(&mut self.rows));
        self.wrote |= !rows.is_empty() || !values.is_empty();
        self.tx.insert_values(&values).await?;
        self.tx.insert_checkpoints(&rows).await?;
        Ok(())
    }

    /// The number of the job's checkpoint with this public id.
    async fn parent(&mut self, job: &JobRow, keys: &JobKeys, id: &str) -> Result<Option<i64>> {
        let Some((key, slug)) = CheckpointKey::parse(id) else { return Ok(None) };
        let number = key.number();
        let sealed = if let Some(row) = self.rows.iter().find(|row| row.head.number == number) {
            Some((row.head.job, row.record.clone()))
        } else {
            let found = self.tx.checkpoint(number).await?.map(|found| found.checkpoint);
            found.filter(|row| !row.head.flags.carrier).map(|row| (row.head.job, row.record))
        };
        Ok(sealed
            .filter(|(owner, _)| *owner == job.number)
            .and_then(|(_, sealed)| record(keys, number, sealed))
            .filter(|record| super::item::is_named(slug, &record.step_name))
            .map(|_| number))
    }

    /// Writes everything and commits: the one commit point of all saves. Returns which contents in the repository are referred
    /// to now.
    async fn finish(mut self) -> Result<HashSet<ManifestId>> {
        self.flush().await?;
        self.tx.insert_stored_contents(&self.stored).await?;
        let moved: Vec<_> =
            self.jobs.values().filter(|job| job.moved).map(|job| job.row.progress()).collect();
        self.tx.move_jobs(&moved).await?;
        let unused = self.jobs.values().filter(|job| job.made && !job.moved);
        let unused: Vec<i64> = unused.map(|job| job.row.number).collect();
        self.tx.forget_empty_jobs(&unused).await?;
        if self.wrote {
            self.tx.set_job_numbers(self.numbers).await?;
        }
        for event in self.events {
            self.tx.record(event);
        }
        self.tx.commit().await?;
        let mut cache = self.service.saving().cache.lock();
        for ((is_value, number), content) in self.fresh {
            let table = if is_value { ContentTable::Values } else { ContentTable::Checkpoints };
            cache.insert(table, number, content);
        }
        Ok(self.stored.iter().filter_map(|row| ManifestId::parse(&row.manifest).ok()).collect())
    }
}

/// The source that a job is for events.
pub(crate) fn source_of(job: &JobRow) -> SourceId {
    SourceId::parse(&format!("job-{}", job.number)).expect("a prefix and a number are an id")
}

/// The jobs that the requests save to, made where they are missing.
async fn open_jobs(
    tx: &mut Tx,
    requests: &[Request],
    ring: &Keyring,
    now: Timestamp,
) -> Result<HashMap<Vec<u8>, OpenJob>> {
    let mut wanted: HashMap<Vec<u8>, NewJob> = HashMap::new();
    for request in requests {
        let names: Vec<&String> = match &request.work {
            Work::Create { new, .. } => new.iter().flatten().map(|new| &new.job_id).collect(),
            Work::Complete(completion) => vec![&completion.job],
            Work::Fork(fork) => vec![&fork.job],
            Work::Thread(operations) => operations
                .iter()
                .map(|operation| match operation {
                    ThreadOperation::Put(new) => &new.key.thread_id,
                    ThreadOperation::PutWrites(new) => &new.key.thread_id,
                })
                .collect(),
        };
        for name in names {
            let tenant = &request.caller.tenant;
            let key = job_key(tenant, &request.project, name);
            wanted.entry(key.clone()).or_insert_with(|| NewJob {
                key,
                tenant: tenant.clone(),
                project: request.project.clone(),
                name: name.clone(),
                created_at: now,
            });
        }
    }
    let keys: Vec<_> = wanted.keys().cloned().collect();
    let mut rows = tx.jobs_by_key(&keys).await?;
    for row in &rows {
        wanted.remove(&row.key);
    }
    let missing: Vec<_> = wanted.into_values().collect();
    let known = rows.len();
    rows.extend(tx.ensure_jobs(&missing).await?);
    let open = rows.into_iter().enumerate().map(|(index, row)| {
        let keys = JobKeys::of(Arc::clone(ring), &row);
        (row.key.clone(), OpenJob { row, keys, moved: false, made: index >= known })
    });
    Ok(open.collect())
}
