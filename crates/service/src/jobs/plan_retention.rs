//! Planning what a policy would do.

use backstay_catalog::JobPlanRow;
use backstay_model::retention::job::JobRules;
use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::check_rules;
use crate::checkpoints::{Given, check_project, find_job};
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::JobPlan;

impl Service {
    /// What a policy, or the one that holds, would do to a job; with an id under which it can be carried out for as
    /// long as plans last. Nothing is removed.
    pub async fn plan_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        rules: Option<&JobRules>,
    ) -> Result<JobPlan> {
        check_project(project)?;
        check_rules(rules)?;
        self.permit(caller, Some(Kind::Job), Action::Prune, &Subject::new("job", job_id)).await?;
        // Opening the keys may take a transaction, so it comes first.
        self.keyring().await?;
        let read = self.read_large(caller, project, job_id).await?;
        let mut tx = self.begin().await?;
        let job = find_job(&mut tx, caller, project, job_id).await?;
        let job = job.ok_or_else(|| ServiceError::not_found("Job"))?;
        let rules = match rules {
            Some(rules) => rules.clone(),
            None => self.effective_rules(&mut tx, &job).await?.map(|(rules, _)| rules).unwrap_or_default(),
        };
        let cleaning = self.clean(&mut tx, caller, &job, &rules, &Given { read, shown: None }, true).await?;
        tx.roll_back().await;
        let body = json!({"rules": rules, "delete": cleaning.cleaned.deleted});
        let plan = JobPlanRow {
            id: format!("plan-{}", backstay_model::id::random_suffix(&**self.rng(), 16)),
            job: job.number,
            body,
            expires_at: self.now().plus_seconds(self.settings().plan_seconds),
        };
        let mut tx = self.begin().await?;
        tx.insert_job_plan(&plan).await?;
        tx.commit().await?;
        Ok(JobPlan {
            id: plan.id,
            cleaned: cleaning.cleaned,
            reasons: cleaning.reasons,
            expires_at: plan.expires_at,
        })
    }
}
