//! Writing executions and steps.

use backstay_model::Timestamp;
use backstay_model::execution::ApprovalStatus;
use serde_json::json;

use super::row::{EXECUTION, ExecutionNumbers, ExecutionRow, STEP, StepRow};
use crate::error::{CatalogError, Result};
use crate::sql::{any_of, sql};
use crate::transaction::Tx;

impl Tx {
    /// Notes the last numbers given.
    pub async fn set_execution_numbers(&mut self, numbers: ExecutionNumbers) -> Result<()> {
        let text =
            "UPDATE execution_numbers SET execution = $1, step = $2, executor = $3, resume = $4 WHERE id = 1";
        let statement = sql("note numbers", text).bind(numbers.execution).bind(numbers.step);
        self.execute(statement.bind(numbers.executor).bind(numbers.resume)).await.map(|_| ())
    }

    /// Adds an execution.
    pub async fn insert_execution(&mut self, row: &ExecutionRow) -> Result<()> {
        let text = format!(
            "INSERT INTO executions ({EXECUTION})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        );
        let statement = sql("add an execution", text)
            .bind(row.number)
            .bind(row.job)
            .bind(&row.tenant)
            .bind(&row.project)
            .bind(&row.workflow_name)
            .bind(row.state.as_str())
            .bind(json!(row.reasons).to_string())
            .bind(row.current_step)
            .bind(row.checkpoint)
            .bind(row.seen_checkpoint)
            .bind(row.steps)
            .bind(row.completed_steps)
            .bind(row.failed_steps)
            .bind(row.pending_approvals)
            .bind(row.started_at)
            .bind(row.completed_at)
            .bind(&row.record[..]);
        self.execute(statement).await.map(|_| ())
    }

    /// Notes how far an execution has come: everything of `row` that changes.
    pub async fn move_execution(&mut self, row: &ExecutionRow) -> Result<()> {
        let text =
            "UPDATE executions SET state = $2, reasons = $3, current_step = $4, checkpoint = $5, seen_checkpoint = $6,
                        steps = $7, completed_steps = $8, failed_steps = $9, pending_approvals = $10, completed_at = $11
                    WHERE number = $1";
        let statement = sql("move an execution", text)
            .bind(row.number)
            .bind(row.state.as_str())
            .bind(json!(row.reasons).to_string())
            .bind(row.current_step)
            .bind(row.checkpoint)
            .bind(row.seen_checkpoint)
            .bind(row.steps)
            .bind(row.completed_steps)
            .bind(row.failed_steps)
            .bind(row.pending_approvals)
            .bind(row.completed_at);
        match self.execute(statement).await? {
            0 => Err(CatalogError::not_found("execution", &row.number)),
            _ => Ok(()),
        }
    }

    /// Adds a step.
    pub async fn insert_step(&mut self, row: &StepRow) -> Result<()> {
        let text = format!(
            "INSERT INTO execution_steps ({STEP})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        );
        let statement = sql("add a step", text)
            .bind(row.number)
            .bind(row.execution)
            .bind(row.job)
            .bind(&row.tenant)
            .bind(&row.project)
            .bind(row.name)
            .bind(row.attempt)
            .bind(row.state.as_str())
            .bind(row.approval.map(ApprovalStatus::as_str))
            .bind(row.deadline)
            .bind(row.created_at)
            .bind(row.completed_at)
            .bind(&row.record[..])
            .bind(&row.outcome[..]);
        self.execute(statement).await.map(|_| ())
    }

    /// Notes how far a step has come: everything of `row` that changes.
    pub async fn move_step(&mut self, row: &StepRow) -> Result<()> {
        let text = "UPDATE execution_steps SET state = $2, approval = $3, deadline = $4, completed_at = $5, outcome = $6
                    WHERE number = $1";
        let statement = sql("move a step", text)
            .bind(row.number)
            .bind(row.state.as_str())
            .bind(row.approval.map(ApprovalStatus::as_str))
            .bind(row.deadline)
            .bind(row.completed_at)
            .bind(&row.outcome[..]);
        match self.execute(statement).await? {
            0 => Err(CatalogError::not_found("step", &row.number)),
            _ => Ok(()),
        }
    }

    /// Notes that nothing can be done at the deadlines of an execution before `until`.
    pub async fn look_at_deadlines_again(&mut self, execution: i64, until: Timestamp) -> Result<()> {
        let text = "UPDATE execution_steps SET deadline = $2 WHERE execution = $1 AND deadline < $2";
        self.execute(sql("put off deadlines", text).bind(execution).bind(until)).await.map(|_| ())
    }

    /// Removes executions with all their steps.
    pub async fn delete_executions(&mut self, numbers: &[i64]) -> Result<()> {
        for batch in numbers.chunks(64) {
            let steps = sql("remove steps", "DELETE FROM execution_steps WHERE execution");
            self.execute(any_of(steps, batch)).await?;
            let executions = sql("remove executions", "DELETE FROM executions WHERE number");
            self.execute(any_of(executions, batch)).await?;
        }
        Ok(())
    }
}
