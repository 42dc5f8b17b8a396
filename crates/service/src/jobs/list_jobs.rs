//! Listing the jobs of a project.

use backstay_model::{Action, Caller, Kind, Subject};

use super::rules_of;
use crate::checkpoints::check_project;
use crate::error::Result;
use crate::service::Service;
use crate::view::Job;

impl Service {
    /// A page of the jobs of a project behind `after`, oldest first, and how many there are. Expired ones are not among
    /// them.
    pub async fn list_jobs(
        &self,
        caller: &Caller,
        project: &str,
        after: i64,
        limit: u32,
    ) -> Result<(Vec<Job>, u64)> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("project", project)).await?;
        let mut read = self.read().await?;
        let total = read.job_count(&caller.tenant, project).await?;
        let rows = read.jobs_of_project(&caller.tenant, project, after, limit).await?;
        let jobs = rows.into_iter().map(|row| {
            let retention = rules_of(&row)?;
            Ok(Job {
                number: row.number,
                job_id: row.name,
                project: row.project,
                checkpoints: row.checkpoints,
                epoch: row.epoch,
                retention,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        });
        Ok((jobs.collect::<Result<_>>()?, total))
    }
}
