//! Pages of executions and steps: what belongs to all of them is read together.

use std::collections::HashMap;

use backstay_catalog::{ExecutionRow, JobRow, Session, StepRow};
use backstay_source_job::execution::{ExecutionKey, ExecutionRecord};

use super::opened::{OpenedStep, execution_record, opened_step};
use crate::checkpoints::JobKeys;
use crate::error::Result;
use crate::service::Service;
use crate::view::{Approval, Execution, Step};

/// The jobs of a page, with their keys.
pub(super) type Jobs = HashMap<i64, (JobRow, JobKeys)>;

impl Service {
    /// The jobs with these numbers.
    pub(super) async fn jobs_of(
        &self,
        session: &mut Session,
        numbers: impl Iterator<Item = i64>,
    ) -> Result<Jobs> {
        let mut numbers: Vec<i64> = numbers.collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok(Jobs::new());
        }
        let ring = self.keyring().await?;
        let rows = session.jobs_by_number(&numbers).await?;
        Ok(rows.into_iter().map(|job| (job.number, (job.clone(), JobKeys::of(ring.clone(), &job)))).collect())
    }

    /// Executions as callers see them, in the same order. One whose record is damaged is left out, so that it hides no other.
    pub(super) async fn execution_views(
        &self,
        session: &mut Session,
        rows: &[ExecutionRow],
    ) -> Result<Vec<Execution>> {
        let jobs = self.jobs_of(session, rows.iter().map(|row| row.job)).await?;
        let current: Vec<i64> = rows.iter().filter_map(|row| row.current_step).collect();
        let mut names = HashMap::new();
        for step in session.steps_by_number(&current).await? {
            let Some((_, keys)) = jobs.get(&step.job) else { continue };
            if let Ok(step) = opened_step(keys, step) {
                names.insert(step.row.number, step.record.name);
            }
        }
        let views = rows.iter().filter_map(|row| {
            let (job, keys) = jobs.get(&row.job)?;
            let record = readable(row.number, execution_record(keys, row))?;
            let current = row.current_step.and_then(|step| names.get(&step).cloned());
            Some(execution_view(row, &record, job, current))
        });
        Ok(views.collect())
    }
}

/// What can be read; that something cannot is logged.
pub(super) fn readable<T>(number: i64, read: Result<T>) -> Option<T> {
    match read {
        Ok(read) => Some(read),
        Err(error) => {
            tracing::warn!(execution.number = number, %error, "an execution is left out of a list");
            None
        }
    }
}

/// The steps of a page, each with its row opened. One that is damaged is left out.
pub(super) fn opened_steps(jobs: &Jobs, rows: Vec<StepRow>) -> impl Iterator<Item = OpenedStep> {
    rows.into_iter().filter_map(|row| {
        let (_, keys) = jobs.get(&row.job)?;
        readable(row.execution, opened_step(keys, row))
    })
}

/// The public id of an execution.
pub(super) fn execution_id(row: &ExecutionRow) -> String {
    ExecutionKey::from_number(row.number).public(&row.workflow_name)
}

/// An execution as callers see it; `current` is the name of its current step.
pub(super) fn execution_view(
    row: &ExecutionRow,
    record: &ExecutionRecord,
    job: &JobRow,
    current: Option<String>,
) -> Execution {
    Execution {
        execution_id: execution_id(row),
        correlation_id: record.correlation_id.clone(),
        workflow_name: row.workflow_name.clone(),
        job_id: job.name.clone(),
        state: row.state,
        pause_reasons: row.reasons.clone(),
        current_checkpoint: current,
        global_data: record.global_data.clone(),
        started_at: row.started_at,
        completed_at: row.completed_at,
        total_checkpoints: row.steps,
        completed_checkpoints: row.completed_steps,
        failed_checkpoints: row.failed_steps,
        pending_approvals: row.pending_approvals,
        forked_from: record.forked_from.clone(),
    }
}

/// A step as callers see it.
pub(super) fn step_view(step: OpenedStep, execution_id: &str, execution: &ExecutionRecord) -> Step {
    let step_id = step.id();
    let OpenedStep { row, record, outcome } = step;
    let approval = record.approval.zip(row.approval);
    Step {
        step_id,
        execution_id: execution_id.to_owned(),
        checkpoint_name: record.name,
        attempt: row.attempt,
        agent_id: record.agent_id,
        correlation_id: execution.correlation_id.clone(),
        state: row.state,
        input_data: record.input_data,
        output_data: outcome.output_data,
        error_details: outcome.error_details,
        approval: approval.map(|(request, status)| Approval {
            request,
            status,
            decisions: outcome.decisions,
        }),
        metadata: record.metadata,
        checkpoint_id: outcome.checkpoint_id,
        created_at: row.created_at,
        completed_at: row.completed_at,
    }
}
