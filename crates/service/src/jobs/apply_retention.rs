//! Carrying out a policy, or a plan of one.

use std::collections::HashSet;

use backstay_model::retention::job::JobRules;
use backstay_model::{Action, Caller, Kind, Subject};
use serde::Deserialize;

use crate::checkpoints::{Given, check_project, find_job};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Cleaned;

/// What a plan keeps in the catalog.
#[derive(Deserialize)]
struct Planned {
    rules: JobRules,
    delete: HashSet<String>,
}

impl Service {
    /// Carries out the policy that holds for a job, or a plan: then nothing goes that the plan did not show.
    pub async fn apply_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        plan: Option<&str>,
    ) -> Result<Cleaned> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::Prune, &Subject::new("job", job_id)).await?;
        self.keyring().await?;
        let read = self.read_large(caller, project, job_id).await?;
        let mut tx = self.begin().await?;
        let job = find_job(&mut tx, caller, project, job_id).await?;
        let job = job.ok_or_else(|| ServiceError::not_found("Job"))?;
        let (rules, shown) = if let Some(plan) = plan {
            let row = tx.job_plan(plan, self.now()).await?.filter(|row| row.job == job.number);
            let row = row.ok_or_else(|| ServiceError::not_found("Plan").hint("make a new one; plans end"))?;
            let planned: Planned = serde_json::from_value(row.body)
                .map_err(|error| ServiceError::internal("Could not read a plan", error))?;
            (planned.rules, Some(planned.delete))
        } else {
            let rules = self.effective_rules(&mut tx, &job).await?;
            (rules.map(|(rules, _)| rules).unwrap_or_default(), None)
        };
        let cleaning = self.clean(&mut tx, caller, &job, &rules, &Given { read, shown }, false).await?;
        tx.commit().await?;
        Ok(cleaning.cleaned)
    }
}
