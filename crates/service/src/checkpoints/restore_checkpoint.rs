//! Restoring a checkpoint: handing its state back.

use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::batch::source_of;
use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::CheckpointState;

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The checkpoint and its state.
    pub checkpoint: CheckpointState,
    /// `restored`, or `resumed` when an executor confirmed that it goes on from the state.
    pub job_status: &'static str,
    /// A sentence about it.
    pub message: String,
    /// The public id of the attempt to let the job go on, when its executor was asked.
    pub resume_id: Option<String>,
    /// The public id of the checkpoint that is kept for seven days.
    pub safety_checkpoint_id: Option<String>,
}

impl Restored {
    pub(crate) fn of(checkpoint: CheckpointState, job_status: &'static str, message: &str) -> Self {
        Self {
            checkpoint,
            job_status,
            message: message.to_owned(),
            resume_id: None,
            safety_checkpoint_id: None,
        }
    }
}

impl Service {
    /// Hands back the state of a checkpoint, whose hash was checked, and notes that it was done. With `resume` the job's
    /// executor is asked to go on from it; what comes of that is in the answer.
    ///
    /// Errors: with `resume`, `Conflict` while an approval of the job is pending or another resume is under way.
    pub async fn restore_checkpoint(
        &self,
        caller: &Caller,
        id: &str,
        resume: bool,
        reason: Option<&str>,
    ) -> Result<Restored> {
        let mut fields = Fields::default();
        fields.text("reason", reason.unwrap_or_default(), 2000);
        fields.finish()?;
        let seen = self.seen_checkpoint(caller, id, Action::Restore).await?;
        if resume {
            self.permit(caller, Some(Kind::Job), Action::Resume, &Subject::new("checkpoint", id)).await?;
        }
        let (job, head) = (seen.found.job.clone(), seen.found.checkpoint.head.clone());
        let checkpoint = self.checkpoint_state(seen, id).await?;
        if resume {
            return self.resume_job(caller, job, head, checkpoint, reason).await;
        }
        let event = self.event(caller, "checkpoint.restored", Subject::new("checkpoint", id));
        let data = json!({"job_id": job.name, "resume": false, "reason": reason});
        self.commit_event(event.of_source(&job.tenant, Kind::Job, &source_of(&job)).with(data)).await?;
        Ok(Restored::of(checkpoint, "restored", "Checkpoint restored successfully"))
    }
}
