//! Forking: a new checkpoint from the state of another, changed on request.

use backstay_model::{Action, Caller};
use backstay_source_job::{Json, State, patch};

use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{Checkpoint, ForkCheckpoint, NewCheckpoint};

impl Service {
    /// Saves the state of a checkpoint, after a JSON Patch when there is one, as a new checkpoint of the same or another
    /// job. The origin stays as it is.
    pub async fn fork_checkpoint(
        &self,
        caller: &Caller,
        project: &str,
        fork: ForkCheckpoint,
    ) -> Result<Checkpoint> {
        let seen = self.seen_checkpoint(caller, &fork.checkpoint_id, Action::View).await?;
        if seen.found.checkpoint.head.flags.typed {
            return Err(ServiceError::conflict("This checkpoint is typed")
                .code("typed")
                .hint("fork its thread with POST /api/v1/threads/fork"));
        }
        let same_job = seen.found.job.name == fork.job_id && seen.found.job.project == project;
        let origin = self.checkpoint_state(seen, &fork.checkpoint_id).await?;
        let unreadable = |error| ServiceError::internal("Could not read a state", error);
        let state = match &fork.patch {
            None => State::parse(&origin.state)
                .map_err(|error| ServiceError::internal("Could not read a state", error))?,
            Some(operations) => {
                let operations = Json::parse(operations)
                    .map_err(|error| ServiceError::invalid("patch", error.to_string()))?;
                let patched = patch(Json::parse(&origin.state).map_err(unreadable)?, &operations)
                    .map_err(|error| ServiceError::invalid("patch", error.to_string()))?;
                State::from_json(&patched)
                    .map_err(|error| ServiceError::invalid("patch", error.to_string()))?
            }
        };
        let new = NewCheckpoint {
            job_id: fork.job_id,
            step_name: fork.step_name.unwrap_or_else(|| origin.checkpoint.step_name.clone()),
            state: Some(state),
            metadata: fork.metadata.or(origin.checkpoint.metadata),
            workflow_name: origin.checkpoint.workflow_name,
            workflow_version: Some(origin.checkpoint.workflow_version),
            parent_id: same_job.then_some(fork.checkpoint_id),
            execution_id: None,
            ttl_s: None,
            pinned: false,
            epoch: None,
        };
        self.create_checkpoint(caller, project, new).await
    }
}
