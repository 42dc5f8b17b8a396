//! Which executor a job names.

use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::no_executor;
use super::opened::executor_id;
use crate::checkpoints::{check_project, find_job, source_of};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

impl Service {
    /// Lets a job name an executor of its project, or none: then the one whose globs fit best is asked.
    pub async fn name_executor(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        name: Option<&str>,
    ) -> Result<()> {
        check_project(project)?;
        let subject = Subject::new("job", job_id);
        self.permit(caller, Some(Kind::Job), Action::ManageSources, &subject).await?;
        let mut tx = self.begin().await?;
        let job = find_job(&mut tx, caller, project, job_id).await?;
        let job = job.ok_or_else(|| ServiceError::not_found("Job"))?;
        let executor = match name {
            None => None,
            Some(name) => {
                let all = tx.executors(&caller.tenant, project).await?;
                Some(all.into_iter().find(|row| row.name == name).ok_or_else(no_executor)?)
            }
        };
        tx.set_job_executor(job.number, executor.as_ref().map(|row| row.number)).await?;
        let event = self.event(caller, "job.executor_named", subject);
        let event = event.of_source(&job.tenant, Kind::Job, &source_of(&job));
        tx.record(event.with(json!({"job_id": job_id, "executor_id": executor.as_ref().map(executor_id)})));
        tx.commit().await?;
        Ok(())
    }
}
