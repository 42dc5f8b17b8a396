//! Removing old executions.

use backstay_model::{Action, Caller, Kind, Subject};
use backstay_source_job::execution::ExecutionKey;
use serde_json::json;

use crate::checkpoints::{check_project, source_of};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::CleanedExecutions;

/// How many go at once.
const MOST: u32 = 1000;

impl Service {
    /// Removes the executions of a project that ended more than so many days ago, with their steps; their checkpoints and
    /// events stay. Those that have not ended stay whatever their age. With `dry_run` only tells which.
    pub async fn clean_executions(
        &self,
        caller: &Caller,
        project: &str,
        max_age_days: u32,
        dry_run: bool,
    ) -> Result<CleanedExecutions> {
        check_project(project)?;
        let mut fields = Fields::default();
        fields.check(max_age_days <= 36_500, "max_age_days", "it takes 0 to 36500");
        fields.finish()?;
        self.permit(caller, Some(Kind::Job), Action::Delete, &Subject::new("project", project)).await?;
        let mut tx = self.begin().await?;
        let before = self.now().plus_seconds(-i64::from(max_age_days) * 86_400);
        let rows = tx.executions_ended(&caller.tenant, project, before, MOST).await?;
        let more = rows.len() >= MOST as usize;
        let id_of = |number: i64, workflow: &str| ExecutionKey::from_number(number).public(workflow);
        let deleted: Vec<String> = rows.iter().map(|row| id_of(row.number, &row.workflow_name)).collect();
        if dry_run || rows.is_empty() {
            tx.roll_back().await;
            return Ok(CleanedExecutions { deleted, more });
        }
        let jobs: Vec<i64> = rows.iter().map(|row| row.job).collect();
        let jobs = tx.jobs_by_number(&jobs).await?;
        for (row, id) in rows.iter().zip(&deleted) {
            let event = self.event(caller, "execution.deleted", Subject::new("execution", id));
            let event = match jobs.iter().find(|job| job.number == row.job) {
                Some(job) => event.of_source(&job.tenant, Kind::Job, &source_of(job)),
                None => event,
            };
            tx.record(event.with(json!({"state": row.state, "completed_at": row.completed_at})));
        }
        let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
        tx.delete_executions(&numbers).await?;
        tx.commit().await?;
        Ok(CleanedExecutions { deleted, more })
    }
}
