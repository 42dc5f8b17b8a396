//! The beginning of a resume: from here on no other one begins.

use backstay_catalog::{CheckpointFlags, JobRow, ResumeRow, Tx};
use backstay_model::execution::ResumeState;
use backstay_model::{Caller, Kind, Subject, Timestamp};
use backstay_source_job::content::Place;
use backstay_source_job::execution::{ResumeKey, ResumeRecord};
use serde_json::json;

use super::opened::{OpenedExecutor, resume_id};
use crate::checkpoints::{JobKeys, no_checkpoint, source_of};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

/// For how long the safety checkpoint is kept, in seconds.
const SAFE_S: i64 = 7 * 86_400;
/// How much longer than its executor may take an attempt can be under way, in seconds.
const GRACE_S: i64 = 30;

/// A resume that has begun.
pub(super) struct Begun {
    pub(super) row: ResumeRow,
    pub(super) record: ResumeRecord,
    pub(super) job: JobRow,
}

/// What is to be resumed.
pub(super) struct Wanted<'w> {
    pub(super) job: i64,
    pub(super) checkpoint: i64,
    pub(super) checkpoint_id: &'w str,
    pub(super) reason: Option<&'w str>,
}

impl Service {
    /// Begins a resume in one transaction: no approval of the job is pending, no other resume is under way, and the newest
    /// checkpoint is pinned for seven days.
    pub(super) async fn begin_resume(
        &self,
        caller: &Caller,
        wanted: &Wanted<'_>,
        executor: &OpenedExecutor,
    ) -> Result<Begun> {
        let ring = self.keyring().await?;
        let mut tx = self.begin().await?;
        let now = self.now();
        let gone = || no_checkpoint(wanted.checkpoint_id);
        let job = tx.jobs_by_number(&[wanted.job]).await?.pop().ok_or_else(gone)?;
        self.waits(&mut tx, &job).await?;
        self.must_be_alone(&mut tx, caller, &job, now).await?;
        let head = tx.checkpoint_heads(&[wanted.checkpoint]).await?.pop();
        head.filter(|head| !head.flags.carrier).ok_or_else(gone)?;
        let mut numbers = tx.execution_numbers().await?;
        numbers.resume = ResumeKey::next(numbers.resume, now.as_seconds()).number();
        tx.set_execution_numbers(numbers).await?;
        let unpin_at = self.keep_newest(&mut tx, caller, &job, now).await?;
        let record = ResumeRecord {
            checkpoint_id: wanted.checkpoint_id.to_owned(),
            requested_by: caller.actor.clone(),
            reason: wanted.reason.map(str::to_owned),
            safety_checkpoint_id: job.newest_id.clone(),
            failure: None,
        };
        let keys = JobKeys::of(ring, &job);
        let number = numbers.resume;
        let row = ResumeRow {
            number,
            job: job.number,
            tenant: job.tenant.clone(),
            executor: executor.row.number,
            checkpoint: wanted.checkpoint,
            state: ResumeState::Delivering,
            epoch: job.epoch + 1,
            safety: job.newest,
            unpin_at,
            leased_until: None,
            ends_at: now.plus_seconds(i64::from(executor.row.timeout_s) + GRACE_S),
            created_at: now,
            ended_at: None,
            record: keys.newest().seal(Place::Resume(number), &record.encode(), self.nonce()),
        };
        tx.insert_resume(&row).await?;
        let event =
            self.event(caller, "checkpoint.restored", Subject::new("checkpoint", wanted.checkpoint_id));
        tx.record(event.of_source(&job.tenant, Kind::Job, &source_of(&job)).with(json!({
            "job_id": job.name,
            "resume": true,
            "reason": wanted.reason,
            "resume_id": resume_id(number, &job),
            "safety_checkpoint_id": record.safety_checkpoint_id,
        })));
        tx.commit().await?;
        Ok(Begun { row, record, job })
    }

    /// Refuses while another resume of the job is under way; one that nobody ended in time is ended.
    async fn must_be_alone(&self, tx: &mut Tx, caller: &Caller, job: &JobRow, now: Timestamp) -> Result<()> {
        for row in tx.open_resumes(job.number).await? {
            if row.ends_at > now {
                return Err(ServiceError::conflict(format!("A resume of job {} is under way", job.name))
                    .code("resume_under_way")
                    .hint("wait until it has ended"));
            }
            self.end_overdue(tx, caller, &row, job).await?;
        }
        Ok(())
    }

    /// Pins the newest checkpoint for a while; `None` when somebody else pinned it, or there is none.
    async fn keep_newest(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        job: &JobRow,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let newest: Vec<i64> = job.newest.into_iter().collect();
        let head = if newest.is_empty() { None } else { tx.checkpoint_heads(&newest).await?.pop() };
        let (Some(head), Some(id)) = (head, &job.newest_id) else { return Ok(None) };
        // A pin of an earlier resume is taken over, so that it lasts for as long as this one says.
        let is_ours = tx.forget_pins(head.number).await? > 0;
        if head.flags.pinned && !is_ours {
            return Ok(None);
        }
        let until = now.plus_seconds(SAFE_S);
        if head.flags.pinned {
            return Ok(Some(until));
        }
        tx.set_checkpoint_flags(head.number, CheckpointFlags { pinned: true, ..head.flags }).await?;
        let event = self.event(caller, "checkpoint.pinned", Subject::new("checkpoint", id));
        let event = event.of_source(&job.tenant, Kind::Job, &source_of(job));
        tx.record(event.with(json!({"job_id": job.name, "reason": "safety", "until": until})));
        Ok(Some(until))
    }
}
