//! Asking an executor for the present state of its job.

use std::time::Duration;

use backstay_catalog::JobRow;
use backstay_model::Caller;
use backstay_source_job::State;
use backstay_source_job::execution::Reply;

use super::message::capture_message;
use super::opened::OpenedExecutor;
use crate::error::Result;
use crate::service::Service;
use crate::view::NewCheckpoint;
use crate::webhooks::Sender;

/// The name of the step under which the state is saved.
const STEP: &str = "safety";
/// What an answer may have beside the state, in bytes.
const AROUND_BYTES: usize = 64 << 10;

impl Service {
    /// Saves the present state of a job as its executor tells it. When it tells none, nothing is saved: the newest checkpoint
    /// is as near as one comes.
    pub(super) async fn capture_state(
        &self,
        caller: &Caller,
        job: &JobRow,
        executor: &OpenedExecutor,
        url: &str,
    ) -> Result<()> {
        let id = format!("capture_{}", backstay_model::id::random_suffix(&**self.rng(), 16));
        let message = capture_message(id, job, &caller.actor.name, self.now())?;
        let sender = Sender::within(self.settings(), Duration::from_secs(executor.row.timeout_s.into()))?;
        let most = backstay_source_job::MAX_STATE_BYTES + AROUND_BYTES;
        let secret = &executor.record.secret;
        let answer = sender.ask(url, secret, &message.id, self.now(), message.body, most).await;
        let state = match answer.map(|body| Reply::read(&body)) {
            Ok(Reply::Accepted(Some(state))) => State::parse(&state).ok(),
            Ok(_) => None,
            Err(error) => {
                tracing::info!(
                    job.number,
                    reason = error.reason,
                    "an executor did not hand over the state of its job"
                );
                None
            }
        };
        let Some(state) = state else { return Ok(()) };
        let new = NewCheckpoint {
            job_id: job.name.clone(),
            step_name: STEP.to_owned(),
            state: Some(state),
            metadata: None,
            workflow_name: None,
            workflow_version: None,
            parent_id: None,
            execution_id: None,
            ttl_s: None,
            pinned: false,
            epoch: None,
        };
        let caller = Caller { tenant: job.tenant.clone(), ..caller.clone() };
        self.create_checkpoint(&caller, &job.project, new).await.map(drop)
    }
}
