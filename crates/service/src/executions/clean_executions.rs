//! Removing old executions.

use std::collections::HashMap;

use backstay_catalog::{ExecutionRow, JobRow};
use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::listed::execution_id;
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
        let before = self.now().plus_seconds(-i64::from(max_age_days) * 86_400);
        let tenant = &caller.tenant;
        if dry_run {
            let rows = self.read().await?.executions_ended(tenant, project, before, MOST).await?;
            return Ok(cleaned(&rows));
        }
        let mut tx = self.begin().await?;
        let rows = tx.executions_ended(tenant, project, before, MOST).await?;
        let cleaned = cleaned(&rows);
        if rows.is_empty() {
            return Ok(cleaned);
        }
        let jobs: Vec<i64> = rows.iter().map(|row| row.job).collect();
        let jobs: HashMap<i64, JobRow> =
            tx.jobs_by_number(&jobs).await?.into_iter().map(|job| (job.number, job)).collect();
        for (row, id) in rows.iter().zip(&cleaned.deleted) {
            let event = self.event(caller, "execution.deleted", Subject::new("execution", id));
            let event = match jobs.get(&row.job) {
                Some(job) => event.of_source(&job.tenant, Kind::Job, &source_of(job)),
                None => event,
            };
            tx.record(event.with(json!({"state": row.state, "completed_at": row.completed_at})));
        }
        let numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
        tx.delete_executions(&numbers).await?;
        tx.commit().await?;
        Ok(cleaned)
    }
}

fn cleaned(rows: &[ExecutionRow]) -> CleanedExecutions {
    CleanedExecutions { deleted: rows.iter().map(execution_id).collect(), more: rows.len() >= MOST as usize }
}
