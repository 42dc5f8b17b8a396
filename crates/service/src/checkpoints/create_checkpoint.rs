//! Saving states.

use std::sync::Arc;

use backstay_model::{Action, Caller, Kind, Subject};

use super::queue::{Answer, Work};
use super::{check_job_name, check_project};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{Checkpoint, NewCheckpoint};

/// The largest metadata, in bytes of JSON text.
const MAX_METADATA_BYTES: usize = 64 << 10;
/// The longest time to live, in seconds.
const MAX_TTL_S: u64 = 100 * 365 * 86_400;

impl Service {
    /// Saves one state; it is on disk when this returns.
    pub async fn create_checkpoint(
        &self,
        caller: &Caller,
        project: &str,
        new: NewCheckpoint,
    ) -> Result<Checkpoint> {
        let mut made =
            self.create_checkpoints(caller, project, vec![Ok(new)], true).await.map_err(|mut error| {
                error.index = None;
                error
            })?;
        made.pop().ok_or_else(|| ServiceError::internal("Could not save", "there is no answer"))?
    }

    /// Saves several states in their order, in one transaction: all of them or, when one is refused, none and the
    /// error tells its index; without `atomic` each for itself. What a caller could not read is handed in as its error.
    pub async fn create_checkpoints(
        &self,
        caller: &Caller,
        project: &str,
        new: Vec<Result<NewCheckpoint>>,
        atomic: bool,
    ) -> Result<Vec<Result<Checkpoint>>> {
        check_project(project)?;
        let subject = Subject::new("project", project);
        self.permit(caller, Some(Kind::Job), Action::Capture, &subject).await?;
        let mut checked = Vec::with_capacity(new.len());
        for (index, new) in new.into_iter().enumerate() {
            let new = new.and_then(|new| check(&new).map(|()| new));
            match new {
                Err(mut error) if atomic => {
                    error.index = Some(index);
                    return Err(error);
                }
                new => checked.push(new),
            }
        }
        let work = Work::Create { new: Arc::new(checked), atomic };
        match self.save(caller, project, work).await? {
            Answer::Created(made) => Ok(made),
            Answer::Threads(_) | Answer::Completed(_) | Answer::Forked(_) => {
                Err(ServiceError::internal("Could not save", "the answer is another request's"))
            }
        }
    }
}

fn check(new: &NewCheckpoint) -> Result<()> {
    let mut fields = Fields::default();
    check_job_name(&mut fields, "job_id", &new.job_id);
    let step = new.step_name.chars().count();
    let plain = !new.step_name.chars().any(char::is_control);
    fields.check(
        (1..=255).contains(&step) && plain,
        "step_name",
        "it takes 1 to 255 characters without control characters",
    );
    if let Some(name) = &new.workflow_name {
        fields.line("workflow_name", name, 255);
    }
    if let Some(version) = &new.workflow_version {
        fields.line("workflow_version", version, 64);
    }
    if let Some(id) = &new.execution_id {
        fields.line("execution_id", id, 128);
    }
    let metadata = new.metadata.as_ref().map_or(0, String::len);
    fields.check(metadata <= MAX_METADATA_BYTES, "metadata", "it takes at most 65536 bytes");
    let ttl = new.ttl_s.is_none_or(|seconds| (1..=MAX_TTL_S).contains(&seconds));
    fields.check(ttl, "ttl_s", "it takes 1 to 3153600000, a hundred years");
    fields.finish()
}
