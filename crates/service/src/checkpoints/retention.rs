//! The retention policies of jobs and projects.

use std::collections::HashSet;

use backstay_catalog::{JobRow, Session};
use backstay_model::retention::job::JobRules;
use backstay_model::{Action, Caller, ErrorKind, Kind, Subject, TenantId};
use serde_json::json;

use super::list_checkpoints::find_job;
use super::{check_project, source_of};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::{Cleaned, Job, JobPlan, JobRetention};

/// How long a plan can be carried out, in seconds.
const PLAN_S: i64 = 24 * 3600;

impl Service {
    /// A page of the jobs of a project behind `after`, oldest first, and how many there are.
    pub async fn list_jobs(&self, caller: &Caller, project: &str, after: i64, limit: u32) -> Result<(Vec<Job>, u64)> {
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

    /// The policy of a job (`None`: of the project), and the one that holds.
    pub async fn job_retention(&self, caller: &Caller, project: &str, job_id: Option<&str>) -> Result<JobRetention> {
        check_project(project)?;
        let subject = Subject::new("job", job_id.unwrap_or("*"));
        self.permit(caller, Some(Kind::Job), Action::View, &subject).await?;
        let mut read = self.read().await?;
        let own = match job_id {
            Some(name) => match find_job(&mut read, caller, project, name).await? {
                Some(job) => rules_of(&job)?,
                None => return Err(ServiceError::not_found("Job")),
            },
            None => None,
        };
        let shared = project_rules(&mut read, &caller.tenant, project).await?;
        Ok(match (job_id, own, shared) {
            (Some(_), Some(own), _) => {
                JobRetention { own: Some(own.clone()), effective: Some(own), from: Some("job") }
            }
            (Some(_), None, shared) => {
                JobRetention { own: None, from: shared.as_ref().map(|_| "project"), effective: shared }
            }
            (None, _, shared) => {
                JobRetention { own: shared.clone(), from: shared.as_ref().map(|_| "project"), effective: shared }
            }
        })
    }

    /// Sets or clears the policy of a job (`None`: of the project).
    pub async fn set_job_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: Option<&str>,
        rules: Option<&JobRules>,
    ) -> Result<()> {
        check_project(project)?;
        check(rules)?;
        let subject = Subject::new("job", job_id.unwrap_or("*"));
        self.permit(caller, Some(Kind::Job), Action::ManageSources, &subject).await?;
        let stored = rules.map(|rules| json!(rules));
        let mut tx = self.begin().await?;
        let mut event = self.event(caller, "job.retention_changed", subject);
        match job_id {
            Some(name) => {
                let job = find_job(&mut tx, caller, project, name).await?;
                let job = job.ok_or_else(|| ServiceError::not_found("Job"))?;
                tx.set_job_retention(job.number, stored.as_ref()).await?;
                event = event.of_source(&job.tenant, Kind::Job, &source_of(&job));
            }
            None => tx.set_project_retention(&caller.tenant, project, stored.as_ref()).await?,
        }
        tx.record(event.with(json!({"project": project, "job_id": job_id, "retention": rules})));
        tx.commit().await?;
        Ok(())
    }

    /// What a policy, or the one that holds, would do to a job; with an id under which it can be carried out within a day.
    pub async fn plan_job_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        rules: Option<&JobRules>,
    ) -> Result<JobPlan> {
        check(rules)?;
        let (cleaned, reasons) = self.apply(caller, project, job_id, rules, true, None).await?;
        let id = format!("plan-{}", backstay_model::id::random_suffix(&**self.rng(), 16));
        let body = json!({"rules": rules, "delete": cleaned.deleted}).to_string();
        let expires_at = self.now().plus_seconds(PLAN_S);
        let mut tx = self.begin().await?;
        tx.remember_answer(&plan_scope(caller, project, job_id), &id, b"plan", &body, self.now(), expires_at).await?;
        tx.commit().await?;
        Ok(JobPlan { id, cleaned, reasons, expires_at })
    }

    /// Carries out the policy that holds, or a plan: then nothing goes that the plan did not show.
    pub async fn apply_job_retention(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        plan: Option<&str>,
    ) -> Result<Cleaned> {
        let Some(plan) = plan else {
            return Ok(self.apply(caller, project, job_id, None, false, None).await?.0);
        };
        let scope = plan_scope(caller, project, job_id);
        let row = self.read().await?.remembered_answer(&scope, plan, self.now()).await?;
        let body: serde_json::Value = row
            .and_then(|row| serde_json::from_str(row.answer.as_deref()?).ok())
            .ok_or_else(|| ServiceError::not_found("Plan").hint("make a new one; a plan ends after a day"))?;
        let rules: Option<JobRules> = serde_json::from_value(body["rules"].clone())
            .map_err(|error| ServiceError::internal("Could not read a plan", error))?;
        let shown: HashSet<String> = serde_json::from_value(body["delete"].clone())
            .map_err(|error| ServiceError::internal("Could not read a plan", error))?;
        Ok(self.apply(caller, project, job_id, rules.as_ref(), false, Some(&shown)).await?.0)
    }

    async fn apply(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        rules: Option<&JobRules>,
        dry_run: bool,
        shown: Option<&HashSet<String>>,
    ) -> Result<(Cleaned, Vec<&'static str>)> {
        let rules = match rules {
            Some(rules) => rules.clone(),
            None => self.job_retention(caller, project, Some(job_id)).await?.effective.unwrap_or_default(),
        };
        self.clean_job_of(caller, project, job_id, &rules, dry_run, shown).await
    }

    /// Removes what has outlived its own time and what the policies of jobs no longer keep. For every minute.
    pub async fn expire_checkpoints(&self) -> Result<()> {
        /// How many jobs one run looks at; the rest has its turn in the next.
        const MOST_JOBS: u32 = 100;
        let now = self.now();
        let mut read = self.read().await?;
        let expired = read.jobs_with_expired(now, MOST_JOBS).await?;
        let jobs = read.jobs_by_number(&expired).await?;
        drop(read);
        for job in jobs {
            let caller = Caller { tenant: job.tenant.clone(), ..Caller::system("retention") };
            match self.apply(&caller, &job.project, &job.name, None, false, None).await {
                Ok(_) => {}
                Err(error) if matches!(error.kind, ErrorKind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn plan_scope(caller: &Caller, project: &str, job_id: &str) -> String {
    format!("job-plan/{}/{project}/{job_id}", caller.tenant)
}

fn check(rules: Option<&JobRules>) -> Result<()> {
    let mut fields = Fields::default();
    for (field, detail) in rules.into_iter().flat_map(JobRules::problems) {
        fields.check(false, &format!("retention.{field}"), detail);
    }
    fields.finish()
}

fn rules_of(job: &JobRow) -> Result<Option<JobRules>> {
    let rules = job.retention.clone().map(serde_json::from_value).transpose();
    rules.map_err(|error| ServiceError::internal("Could not read a policy", error))
}

async fn project_rules(session: &mut Session, tenant: &TenantId, project: &str) -> Result<Option<JobRules>> {
    let rules = session.project_retention(tenant, project).await?.map(serde_json::from_value).transpose();
    rules.map_err(|error| ServiceError::internal("Could not read a policy", error))
}
