//! Plans of retention: what a policy would remove from a job.

use backstay_model::Timestamp;
use serde_json::Value as Json;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A plan.
#[derive(Debug, Clone, PartialEq)]
pub struct JobPlanRow {
    /// Its id.
    pub id: String,
    /// The job.
    pub job: i64,
    /// The policy and what it would remove.
    pub body: Json,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Record for JobPlanRow {
    const TABLE: &'static str = "job_plans";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { id: fields.text()?, job: fields.int()?, body: fields.json()?, expires_at: fields.time()? })
    }
}

impl Session {
    /// The plan with this id, unless it has ended.
    pub async fn job_plan(&mut self, id: &str, now: Timestamp) -> Result<Option<JobPlanRow>> {
        let text = "SELECT id, job, body, expires_at FROM job_plans WHERE id = $1 AND expires_at > $2";
        self.one(sql("read a plan", text).bind(id).bind(now)).await
    }
}

impl Tx {
    /// Adds a plan.
    pub async fn insert_job_plan(&mut self, row: &JobPlanRow) -> Result<()> {
        let text = "INSERT INTO job_plans (id, job, body, expires_at) VALUES ($1, $2, $3, $4)";
        let statement =
            sql("add a plan", text).bind(&row.id).bind(row.job).bind(&row.body).bind(row.expires_at);
        self.execute(statement).await.map(|_| ())
    }
}
