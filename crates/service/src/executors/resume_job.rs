//! Letting a job go on from a state that was restored.

use std::time::Duration;

use backstay_catalog::{CheckpointHead, JobRow};
use backstay_model::execution::{Capability, ResumeState};
use backstay_model::{Caller, Kind, Subject};
use serde_json::json;

use super::begin_resume::{Begun, Wanted};
use super::message::resume_message;
use super::opened::{OpenedExecutor, resume_id};
use crate::checkpoints::{Restored, source_of};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};
use crate::view::CheckpointState;

impl Service {
    /// Lets the executor of a job go on from a checkpoint whose state was read. The answer says `resumed` only when the
    /// executor confirmed that; whatever else comes of it, the state is handed back.
    pub(crate) async fn resume_job(
        &self,
        caller: &Caller,
        job: JobRow,
        head: CheckpointHead,
        checkpoint: CheckpointState,
        reason: Option<&str>,
    ) -> Result<Restored> {
        self.must_not_wait(&job).await?;
        let executor = self.executor_of(&job, checkpoint.checkpoint.workflow_name.as_deref()).await?;
        let Some(executor) = executor.filter(|executor| executor.can(Capability::Resume)) else {
            return self.without_executor(caller, &job, checkpoint, reason).await;
        };
        if let Some(url) = &executor.record.url
            && executor.can(Capability::Capture)
            && !head.flags.typed
        {
            self.capture_state(caller, &job, &executor, url).await?;
        }
        let wanted = Wanted {
            job: job.number,
            checkpoint: head.number,
            checkpoint_id: &checkpoint.checkpoint.checkpoint_id,
            reason,
        };
        let begun = self.begin_resume(caller, &wanted, &executor).await?;
        // It goes on when whoever asked goes away: the executor may have heard of it.
        let (service, caller) = (self.clone(), caller.clone());
        let key = head.namespace.zip(head.name);
        let told =
            tokio::spawn(async move { service.tell(&caller, begun, &executor, checkpoint, key).await });
        told.await.map_err(|stopped| ServiceError::internal("Could not resume the job", stopped))?
    }

    async fn without_executor(
        &self,
        caller: &Caller,
        job: &JobRow,
        checkpoint: CheckpointState,
        reason: Option<&str>,
    ) -> Result<Restored> {
        let id = &checkpoint.checkpoint.checkpoint_id;
        let event = self.event(caller, "checkpoint.restored", Subject::new("checkpoint", id));
        let event = event.of_source(&job.tenant, Kind::Job, &source_of(job));
        let data = json!({"job_id": job.name, "resume": true, "reason": reason, "executor": null});
        self.commit_event(event.with(data)).await?;
        Ok(Restored::of(checkpoint, "restored", "Checkpoint restored (resume not supported by executor)"))
    }

    /// Tells the executor, and commits what it says.
    async fn tell(
        &self,
        caller: &Caller,
        begun: Begun,
        executor: &OpenedExecutor,
        checkpoint: CheckpointState,
        key: Option<(String, String)>,
    ) -> Result<Restored> {
        let told = if let Some(url) = &executor.record.url {
            let Begun { row, record, job } = &begun;
            let message = resume_message(row, record, job, &checkpoint, key, self.now())?;
            self.call_executor(executor, url, &message).await?
        } else {
            let timeout = Duration::from_secs(executor.row.timeout_s.into());
            self.wait_for_confirmation(begun.row.number, timeout).await?
        };
        let (state, failure) = self.settle_resume(caller, begun.row.number, told).await?;
        let message = match (state, failure) {
            (ResumeState::Confirmed, _) => "Checkpoint restored and job resumed successfully".to_owned(),
            (_, failure) => format!(
                "Checkpoint restored but failed to resume: {}",
                failure.unwrap_or_else(|| "the executor did not answer".to_owned())
            ),
        };
        let status = if state == ResumeState::Confirmed { "resumed" } else { "restored" };
        Ok(Restored {
            resume_id: Some(resume_id(begun.row.number, &begun.job)),
            safety_checkpoint_id: begun.record.safety_checkpoint_id,
            ..Restored::of(checkpoint, status, &message)
        })
    }
}
