//! Setting the policy of a job or project.

use backstay_model::retention::job::JobRules;
use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::check_rules;
use crate::checkpoints::{check_project, find_job, source_of};
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

impl Service {
    /// Sets or clears the policy of a job (`None`: of the project). It is carried out from the next minute on.
    pub async fn set_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: Option<&str>,
        rules: Option<&JobRules>,
    ) -> Result<()> {
        check_project(project)?;
        check_rules(rules)?;
        let subject = Subject::new("job", job_id.unwrap_or("*"));
        self.permit(caller, Some(Kind::Job), Action::ManageSources, &subject).await?;
        let stored = rules.map(|rules| json!(rules));
        let now = self.now();
        let mut tx = self.begin().await?;
        let mut event = self.event(caller, "job.retention_changed", subject);
        if let Some(name) = job_id {
            let job = find_job(&mut tx, caller, project, name).await?;
            let job = job.ok_or_else(|| ServiceError::not_found("Job"))?;
            tx.set_job_retention(job.number, stored.as_ref()).await?;
            tx.set_jobs_due(&[job.number], Some(now)).await?;
            event = event.of_source(&job.tenant, Kind::Job, &source_of(&job));
        } else {
            tx.set_project_retention(&caller.tenant, project, stored.as_ref()).await?;
            tx.set_project_due(&caller.tenant, project, now).await?;
        }
        tx.record(event.with(json!({"project": project, "job_id": job_id, "retention": rules})));
        tx.commit().await?;
        Ok(())
    }
}
