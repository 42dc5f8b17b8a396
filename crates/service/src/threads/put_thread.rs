//! Saving typed checkpoints and pending writes.

use std::sync::Arc;

use backstay_model::{Action, Caller, Kind, Subject};

use crate::checkpoints::{Answer, Work, check_project};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::{NewThreadCheckpoint, NewThreadWrites, ThreadDone, ThreadOperation};

impl Service {
    /// Saves a typed checkpoint; one with the same key is replaced. It is on disk when this returns.
    pub async fn put_thread_checkpoint(
        &self,
        caller: &Caller,
        project: &str,
        new: NewThreadCheckpoint,
    ) -> Result<ThreadDone> {
        self.put_one(caller, project, ThreadOperation::Put(new)).await
    }

    /// Saves pending writes of a task. They may come before their checkpoint. A call of only special writes (negative
    /// indexes) overwrites, another leaves what is there.
    pub async fn put_thread_writes(
        &self,
        caller: &Caller,
        project: &str,
        new: NewThreadWrites,
    ) -> Result<ThreadDone> {
        self.put_one(caller, project, ThreadOperation::PutWrites(new)).await
    }

    async fn put_one(
        &self,
        caller: &Caller,
        project: &str,
        operation: ThreadOperation,
    ) -> Result<ThreadDone> {
        let mut done = self.put_threads(caller, project, vec![operation]).await?;
        let lost = || ServiceError::internal("Could not save", "there is no answer");
        done.pop().flatten().ok_or_else(lost)?
    }

    /// Does several operations in their order and in one transaction. After one that fails the rest of its thread is
    /// skipped: `None`.
    pub async fn put_threads(
        &self,
        caller: &Caller,
        project: &str,
        operations: Vec<ThreadOperation>,
    ) -> Result<Vec<Option<Result<ThreadDone>>>> {
        check_project(project)?;
        let subject = Subject::new("project", project);
        self.permit(caller, Some(Kind::Job), Action::Capture, &subject).await?;
        let names = operations.iter().map(|operation| match operation {
            ThreadOperation::Put(new) => &new.key.thread_id,
            ThreadOperation::PutWrites(new) => &new.key.thread_id,
        });
        // A thread whose name cannot be one is not made; the operation itself tells what is wrong.
        let mut fields = crate::limits::Fields::default();
        for name in names {
            crate::checkpoints::check_job_name(&mut fields, "thread_id", name);
        }
        fields.finish()?;
        let bytes: usize = operations
            .iter()
            .map(|operation| match operation {
                ThreadOperation::Put(new) => {
                    new.head.data.len() + new.changed.iter().map(|c| c.value.data.len()).sum::<usize>()
                }
                ThreadOperation::PutWrites(new) => new.writes.iter().map(|w| w.value.data.len()).sum(),
            })
            .sum();
        let limit = backstay_source_job::MAX_STATE_BYTES;
        if bytes > limit {
            let message = format!("state is {bytes} bytes; the limit is {limit}");
            return Err(ServiceError::new(backstay_model::ErrorKind::TooLarge, message));
        }
        match self.save(caller, project, Work::Thread(Arc::new(operations))).await? {
            Answer::Threads(done) => Ok(done),
            Answer::Created(_) | Answer::Completed(_) | Answer::Forked(_) => {
                Err(ServiceError::internal("Could not save", "the answer is another request's"))
            }
        }
    }
}
