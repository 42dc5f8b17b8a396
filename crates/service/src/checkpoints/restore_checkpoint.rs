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
}

impl Service {
    /// Hands back the state of a checkpoint, whose hash was checked, and notes that it was done. With `resume` the job's
    /// executor would be told; no executor can be registered yet, so the answer says that resuming is not supported.
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
        let job = seen.found.job.clone();
        if resume {
            self.must_not_wait(&job).await?;
        }
        let checkpoint = self.checkpoint_state(seen, id).await?;
        let event = self.event(caller, "checkpoint.restored", Subject::new("checkpoint", id));
        let data = json!({"job_id": job.name, "resume": resume, "reason": reason});
        self.commit_event(event.of_source(&job.tenant, Kind::Job, &source_of(&job)).with(data)).await?;
        let message = if resume {
            "Checkpoint restored (resume not supported by executor)"
        } else {
            "Checkpoint restored successfully"
        };
        Ok(Restored { checkpoint, job_status: "restored", message: message.to_owned() })
    }
}
