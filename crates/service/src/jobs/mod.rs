//! Jobs as a whole: their list, their retention, their end.

mod apply_retention;
mod expire_job;
mod get_retention;
mod list_jobs;
mod plan_retention;
mod retain_jobs;
mod set_retention;
mod unexpire_job;

use backstay_catalog::{JobRow, Session};
use backstay_model::TenantId;
use backstay_model::retention::job::JobRules;

use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::Service;

/// For how long an expired job can be brought back, in seconds.
const UNDO_S: i64 = 7 * 86_400;

/// Where the policy that holds for a job comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Job,
    Project,
    Server,
}

impl Origin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Project => "project",
            Self::Server => "server",
        }
    }
}

impl Service {
    /// The policy that holds for a job: its own, else its project's, else the server's.
    async fn effective_rules(
        &self,
        session: &mut Session,
        job: &JobRow,
    ) -> Result<Option<(JobRules, Origin)>> {
        if let Some(own) = rules_of(job)? {
            return Ok(Some((own, Origin::Job)));
        }
        self.shared_rules(session, &job.tenant, &job.project).await
    }

    /// The policy of the jobs of a project that have none of their own.
    async fn shared_rules(
        &self,
        session: &mut Session,
        tenant: &TenantId,
        project: &str,
    ) -> Result<Option<(JobRules, Origin)>> {
        let shared =
            session.project_retention(tenant, project).await?.map(serde_json::from_value).transpose();
        let shared: Option<JobRules> = shared.map_err(unreadable)?;
        Ok(match (shared, &self.settings().job_retention) {
            (Some(rules), _) => Some((rules, Origin::Project)),
            (None, Some(rules)) => Some((rules.clone(), Origin::Server)),
            (None, None) => None,
        })
    }
}

fn rules_of(job: &JobRow) -> Result<Option<JobRules>> {
    job.retention.clone().map(serde_json::from_value).transpose().map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> ServiceError {
    ServiceError::internal("Could not read a policy", error)
}

fn check_rules(rules: Option<&JobRules>) -> Result<()> {
    let mut fields = Fields::default();
    for (field, detail) in rules.into_iter().flat_map(JobRules::problems) {
        fields.check(false, &format!("retention.{field}"), detail);
    }
    fields.finish()
}
