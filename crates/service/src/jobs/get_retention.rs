//! Reading the policy of a job or project.

use backstay_model::{Action, Caller, Kind, Subject};

use super::{Origin, rules_of};
use crate::checkpoints::{check_project, find_job};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::JobRetention;

impl Service {
    /// The policy of a job (`None`: of the project), and the one that holds.
    pub async fn get_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: Option<&str>,
    ) -> Result<JobRetention> {
        check_project(project)?;
        let subject = Subject::new("job", job_id.unwrap_or("*"));
        self.permit(caller, Some(Kind::Job), Action::View, &subject).await?;
        let mut read = self.read().await?;
        let (own, effective) = if let Some(name) = job_id {
            let job = find_job(&mut read, caller, project, name).await?;
            let job = job.ok_or_else(|| ServiceError::not_found("Job"))?;
            (rules_of(&job)?, self.effective_rules(&mut read, &job).await?)
        } else {
            let shared = self.shared_rules(&mut read, &caller.tenant, project).await?;
            let own = shared.as_ref().filter(|(_, origin)| *origin == Origin::Project);
            (own.map(|(rules, _)| rules.clone()), shared)
        };
        let from = effective.as_ref().map(|(_, origin)| origin.as_str());
        Ok(JobRetention { own, effective: effective.map(|(rules, _)| rules), from })
    }
}
