//! How a resume ends: by what its executor says, then or later, or by the time.

use backstay_catalog::{JobRow, ResumeRow, Tx};
use backstay_model::execution::ResumeState;
use backstay_model::{Action, Caller, Kind, Outcome, Subject};
use backstay_source_job::content::Place;
use backstay_source_job::execution::{ResumeRecord, line};
use serde_json::json;

use super::deliver_resume::Told;
use super::no_resume;
use super::opened::{resume_id, resume_view};
use crate::checkpoints::{JobKeys, source_of};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::Resume;

impl Service {
    /// Takes the word of an executor about a resume: that it goes on, or that it does not. Saying the same twice changes nothing.
    ///
    /// Also when the time was over. Then it is a conflict when a newer resume was begun, the job was resumed since, or an
    /// approval is pending: this executor must not go on.
    pub async fn confirm_resume(
        &self,
        caller: &Caller,
        id: &str,
        accepted: bool,
        reason: Option<&str>,
    ) -> Result<Resume> {
        let mut fields = Fields::default();
        fields.text("reason", reason.unwrap_or_default(), 2000);
        fields.finish()?;
        let (row, ..) = self.permitted_resume(caller, id, Action::Resume).await?;
        let mut tx = self.begin().await?;
        let row = tx.resume(row.number).await?.ok_or_else(no_resume)?;
        let job = tx.jobs_by_number(&[row.job]).await?.pop().ok_or_else(no_resume)?;
        let record = self.resume_record(&row, &job).await?;
        let wanted = if accepted { ResumeState::Confirmed } else { ResumeState::Refused };
        if row.state == wanted {
            return Ok(resume_view(&row, record, &job));
        }
        let is_late = row.state == ResumeState::Failed || row.ends_at <= self.now();
        match row.state {
            ResumeState::Delivering => {}
            ResumeState::Failed if accepted => {}
            ended => {
                return Err(ServiceError::conflict(format!("The resume is {ended} already"))
                    .code("resume_ended")
                    .hint("restore the checkpoint once more"));
            }
        }
        if accepted {
            self.must_be_newest(&mut tx, &row, &job).await?;
            if is_late {
                self.waits(&mut tx, &job).await?;
            }
        }
        let told = if accepted {
            Told::Accepted
        } else {
            Told::Refused(reason.map_or_else(|| "the executor refused".to_owned(), line))
        };
        let (row, record) = self.end(&mut tx, caller, row, record, &job, told).await?;
        tx.commit().await?;
        Ok(resume_view(&row, record, &job))
    }

    /// Commits what came of telling an executor, unless it has told by itself meanwhile; returns how the resume ended.
    pub(super) async fn settle_resume(
        &self,
        caller: &Caller,
        number: i64,
        told: Told,
    ) -> Result<(ResumeState, Option<String>)> {
        let mut tx = self.begin().await?;
        let row = tx.resume(number).await?.ok_or_else(no_resume)?;
        let job = tx.jobs_by_number(&[row.job]).await?.pop().ok_or_else(no_resume)?;
        let record = self.resume_record(&row, &job).await?;
        // A yes that came when the time was over by another server's clock is a late confirmation.
        let is_late = row.state == ResumeState::Failed && told == Told::Accepted;
        let is_late = is_late
            && self.must_be_newest(&mut tx, &row, &job).await.is_ok()
            && self.waits(&mut tx, &job).await.is_ok();
        if (row.ended_at.is_some() && !is_late) || told == Told::Nothing {
            return Ok((row.state, record.failure));
        }
        let (row, record) = self.end(&mut tx, caller, row, record, &job, told).await?;
        tx.commit().await?;
        Ok((row.state, record.failure))
    }

    /// Ends a resume whose time is over, in the caller's transaction.
    pub(super) async fn end_overdue(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &ResumeRow,
        job: &JobRow,
    ) -> Result<()> {
        let record = self.resume_record(row, job).await?;
        let told = Told::Failed("the executor did not answer in time".to_owned());
        self.end(tx, caller, row.clone(), record, job, told).await.map(drop)
    }

    /// Refuses a confirmation when the job may go on elsewhere.
    async fn must_be_newest(&self, tx: &mut Tx, row: &ResumeRow, job: &JobRow) -> Result<()> {
        let newest = tx.newest_resume(job.number).await?;
        if newest == Some(row.number) && job.epoch + 1 == row.epoch {
            return Ok(());
        }
        Err(ServiceError::conflict(format!("Another resume of job {} was begun since", job.name))
            .code("superseded")
            .hint("stop: this executor must not go on"))
    }

    /// Notes how a resume ended, with the epoch of the job and the event.
    async fn end(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: ResumeRow,
        record: ResumeRecord,
        job: &JobRow,
        told: Told,
    ) -> Result<(ResumeRow, ResumeRecord)> {
        let now = self.now();
        let (state, failure) = match told {
            Told::Accepted => (ResumeState::Confirmed, None),
            Told::Refused(reason) => (ResumeState::Refused, Some(reason)),
            Told::Failed(reason) => (ResumeState::Failed, Some(reason)),
            Told::Nothing => return Ok((row, record)),
        };
        let record = ResumeRecord { failure, ..record };
        let keys = JobKeys::of(self.keyring().await?, job);
        let sealed = keys.newest().seal(Place::Resume(row.number), &record.encode(), self.nonce());
        tx.end_resume(row.number, state, now, &sealed).await?;
        let id = resume_id(row.number, job);
        let (action, outcome) = if state == ResumeState::Confirmed {
            tx.set_job_epoch(job.number, row.epoch).await?;
            ("job.resumed", Outcome::Ok)
        } else {
            ("job.resume_failed", Outcome::Failed)
        };
        // What the attempt needed may go now.
        tx.set_jobs_due(&[job.number], Some(now)).await?;
        let event = self.event(caller, action, Subject::new("job", &source_of(job))).ended(outcome);
        let data = json!({
            "job_id": job.name,
            "resume_id": id,
            "checkpoint_id": record.checkpoint_id,
            "epoch": row.epoch,
            "reason": record.failure,
            "requested_by": record.requested_by.name,
        });
        tx.record(event.of_source(&job.tenant, Kind::Job, &source_of(job)).with(data));
        Ok((ResumeRow { state, ended_at: Some(now), record: sealed, ..row }, record))
    }
}
