//! What time ends of resumes.

use backstay_catalog::{CheckpointFlags, ResumeRow};
use backstay_model::{Caller, Kind, Subject};
use serde_json::json;

use crate::checkpoints::{JobKeys, source_of};
use crate::error::Result;
use crate::service::{Describe, Service};

/// How many are looked at in one run; the rest has its turn in the next.
const MOST: u32 = 1000;
/// For how long resumes that ended are remembered, in seconds.
const REMEMBER_S: i64 = 30 * 86_400;

impl Service {
    /// Ends resumes that nobody ended in time, and the pins of safety checkpoints; forgets old resumes. For every minute.
    pub(crate) async fn end_resumes(&self) -> Result<()> {
        let now = self.now();
        let mut read = self.read().await?;
        let overdue = read.overdue_resumes(now, MOST).await?;
        let pins = read.pins_over(now, MOST).await?;
        drop(read);
        for row in overdue {
            if let Err(error) = self.end_one(&row).await {
                passed_over(&row, error)?;
            }
        }
        for row in pins {
            if let Err(error) = self.unpin(&row).await {
                passed_over(&row, error)?;
            }
        }
        let mut tx = self.begin().await?;
        tx.forget_resumes(now.plus_seconds(-REMEMBER_S)).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn end_one(&self, row: &ResumeRow) -> Result<()> {
        let caller = Caller { tenant: row.tenant.clone(), ..Caller::system("resume") };
        self.keyring().await?;
        let mut tx = self.begin().await?;
        let found = tx.resume(row.number).await?.filter(|row| row.ended_at.is_none());
        let job = tx.jobs_by_number(&[row.job]).await?.pop();
        if let (Some(row), Some(job)) = (found, job) {
            self.end_overdue(&mut tx, &caller, &row, &job).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn unpin(&self, row: &ResumeRow) -> Result<()> {
        let Some(checkpoint) = row.safety else { return Ok(()) };
        let caller = Caller { tenant: row.tenant.clone(), ..Caller::system("resume") };
        let ring = self.keyring().await?;
        let mut tx = self.begin().await?;
        // Somebody may have pinned it meanwhile, for good.
        let ends = tx.resume(row.number).await?.is_some_and(|row| row.unpin_at.is_some());
        let head = tx.checkpoint_heads(&[checkpoint]).await?.pop();
        let job = tx.jobs_by_number(&[row.job]).await?.pop();
        tx.forget_pins(checkpoint).await?;
        if let (true, Some(head), Some(job)) = (ends, head.filter(|head| head.flags.pinned), job) {
            tx.set_checkpoint_flags(checkpoint, CheckpointFlags { pinned: false, ..head.flags }).await?;
            tx.set_jobs_due(&[job.number], Some(self.now())).await?;
            let keys = JobKeys::of(ring, &job);
            let ids = self.public_ids(&mut tx, &keys, &[head]).await?;
            let id = ids.get(&checkpoint).cloned().unwrap_or_default();
            let event = self.event(&caller, "checkpoint.unpinned", Subject::new("checkpoint", &id));
            let event = event.of_source(&job.tenant, Kind::Job, &source_of(&job));
            tx.record(event.with(json!({"job_id": job.name, "reason": "safety"})));
        }
        tx.commit().await?;
        Ok(())
    }
}

/// One that is damaged holds up no other.
fn passed_over(row: &ResumeRow, error: crate::error::ServiceError) -> Result<()> {
    if error.kind.traits().retry {
        return Err(error);
    }
    tracing::warn!(resume.number = row.number, %error, "a resume cannot be ended");
    Ok(())
}
