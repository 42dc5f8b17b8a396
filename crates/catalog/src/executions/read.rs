//! Reading executions and steps.

use std::fmt::Write;

use backstay_model::execution::{ApprovalStatus, ExecutionState};
use backstay_model::{TenantId, Timestamp};

use super::row::{EXECUTION, ExecutionNumbers, ExecutionRow, STEP, StepRow};
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Statement, any_of, sql};

/// Which executions of a project to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Only those in this state.
    pub state: Option<ExecutionState>,
    /// Only those of this workflow.
    pub workflow_name: Option<String>,
    /// Only those of the job with this number.
    pub job: Option<i64>,
}

/// Which approvals of a tenant to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// Only those with this status.
    pub status: ApprovalStatus,
    /// Only those of this project.
    pub project: Option<String>,
}

/// `SELECT {columns} FROM executions` of those that match, without an order.
fn matching(
    what: &'static str,
    columns: &str,
    tenant: &TenantId,
    project: &str,
    filter: &ExecutionFilter,
) -> Statement {
    let mut text = format!("SELECT {columns} FROM executions WHERE tenant_id = $1 AND project = $2");
    let wanted = [
        ("state", filter.state.is_some()),
        ("workflow_name", filter.workflow_name.is_some()),
        ("job", filter.job.is_some()),
    ];
    for (place, (column, _)) in (3..).zip(wanted.iter().filter(|(_, given)| *given)) {
        write!(text, " AND {column} = ${place}").expect("a String takes everything");
    }
    let mut statement = sql(what, text).bind(tenant).bind(project);
    if let Some(state) = filter.state {
        statement = statement.bind(state.as_str());
    }
    if let Some(workflow) = &filter.workflow_name {
        statement = statement.bind(workflow);
    }
    match filter.job {
        Some(job) => statement.bind(job),
        None => statement,
    }
}

/// `SELECT {columns} FROM execution_steps` of those with such an approval, without an order.
fn asked(what: &'static str, columns: &str, tenant: &TenantId, filter: &ApprovalFilter) -> Statement {
    let text = format!("SELECT {columns} FROM execution_steps WHERE tenant_id = $1 AND approval = $2");
    let statement = sql(what, text).bind(tenant).bind(filter.status.as_str());
    let Some(project) = &filter.project else { return statement };
    let mut statement = statement.bind(project);
    statement.text.to_mut().push_str(" AND project = $3");
    statement
}

impl Session {
    /// The last numbers given. Inside a transaction nobody else gives any.
    pub async fn execution_numbers(&mut self) -> Result<ExecutionNumbers> {
        let text = "SELECT execution, step, executor, resume FROM execution_numbers WHERE id = 1";
        let rows = self.raw(sql("read numbers", text)).await?;
        let row = rows.first().ok_or_else(|| CatalogError::not_found("row of numbers", &1))?;
        let mut fields = Fields::new("execution_numbers", row);
        Ok(ExecutionNumbers {
            execution: fields.int()?,
            step: fields.int()?,
            executor: fields.int()?,
            resume: fields.int()?,
        })
    }

    /// The execution with this number.
    pub async fn execution(&mut self, number: i64) -> Result<Option<ExecutionRow>> {
        let text = format!("SELECT {EXECUTION} FROM executions WHERE number = $1");
        self.one(sql("read an execution", text).bind(number)).await
    }

    /// Those of the executions with these numbers that exist, in no order.
    pub async fn executions_by_number(&mut self, numbers: &[i64]) -> Result<Vec<ExecutionRow>> {
        let mut found = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(64) {
            let statement =
                sql("read executions", format!("SELECT {EXECUTION} FROM executions WHERE number"));
            found.extend(self.all(any_of(statement, batch)).await?);
        }
        Ok(found)
    }

    /// The matching executions of a project, newest first.
    pub async fn list_executions(
        &mut self,
        tenant: &TenantId,
        project: &str,
        filter: &ExecutionFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<ExecutionRow>> {
        let mut statement = matching("list executions", EXECUTION, tenant, project, filter);
        let next = statement.values.len() + 1;
        let order = format!(" ORDER BY number DESC LIMIT ${next} OFFSET ${}", next + 1);
        statement.text.to_mut().push_str(&order);
        self.all(statement.bind(limit).bind(offset)).await
    }

    /// How many executions match.
    pub async fn count_executions(
        &mut self,
        tenant: &TenantId,
        project: &str,
        filter: &ExecutionFilter,
    ) -> Result<u64> {
        let count = self.number(matching("count executions", "count(*)", tenant, project, filter)).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// The executions of a job that have not ended.
    pub async fn open_executions(&mut self, job: i64) -> Result<Vec<ExecutionRow>> {
        let text = format!(
            "SELECT {EXECUTION} FROM executions WHERE job = $1 AND completed_at IS NULL ORDER BY number"
        );
        self.all(sql("read open executions", text).bind(job)).await
    }

    /// Executions of a project that ended before `before`, those that ended first; at most `limit`.
    pub async fn executions_ended(
        &mut self,
        tenant: &TenantId,
        project: &str,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<ExecutionRow>> {
        let text = format!(
            "SELECT {EXECUTION} FROM executions WHERE tenant_id = $1 AND project = $2 AND completed_at < $3
             ORDER BY completed_at LIMIT $4"
        );
        self.all(sql("find ended executions", text).bind(tenant).bind(project).bind(before).bind(limit)).await
    }

    /// The step with this number.
    pub async fn step(&mut self, number: i64) -> Result<Option<StepRow>> {
        let text = format!("SELECT {STEP} FROM execution_steps WHERE number = $1");
        self.one(sql("read a step", text).bind(number)).await
    }

    /// Those of the steps with these numbers that exist, in no order.
    pub async fn steps_by_number(&mut self, numbers: &[i64]) -> Result<Vec<StepRow>> {
        let mut found = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(64) {
            let statement = sql("read steps", format!("SELECT {STEP} FROM execution_steps WHERE number"));
            found.extend(self.all(any_of(statement, batch)).await?);
        }
        Ok(found)
    }

    /// The steps of an execution that have not ended, oldest first.
    pub async fn open_steps(&mut self, execution: i64) -> Result<Vec<StepRow>> {
        let text = format!(
            "SELECT {STEP} FROM execution_steps WHERE execution = $1 AND completed_at IS NULL ORDER BY number"
        );
        self.all(sql("read open steps", text).bind(execution)).await
    }

    /// The steps of an execution, oldest first.
    pub async fn list_steps(&mut self, execution: i64, offset: u64, limit: u32) -> Result<Vec<StepRow>> {
        let text = format!(
            "SELECT {STEP} FROM execution_steps WHERE execution = $1 ORDER BY number LIMIT $2 OFFSET $3"
        );
        self.all(sql("list steps", text).bind(execution).bind(limit).bind(offset)).await
    }

    /// How many steps have this hash of execution and name.
    pub async fn count_steps_named(&mut self, name: i64) -> Result<u64> {
        let text = "SELECT count(*) FROM execution_steps WHERE name = $1";
        Ok(self.number(sql("count steps", text).bind(name)).await?.unwrap_or(0).unsigned_abs())
    }

    /// The newest step with this hash of execution and name.
    pub async fn newest_step_named(&mut self, name: i64) -> Result<Option<StepRow>> {
        let text = format!("SELECT {STEP} FROM execution_steps WHERE name = $1 ORDER BY number DESC LIMIT 1");
        self.one(sql("find a step", text).bind(name)).await
    }

    /// The steps of a tenant with such an approval, newest first.
    pub async fn list_approvals(
        &mut self,
        tenant: &TenantId,
        filter: &ApprovalFilter,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<StepRow>> {
        let mut statement = asked("list approvals", STEP, tenant, filter);
        let next = statement.values.len() + 1;
        let order = format!(" ORDER BY number DESC LIMIT ${next} OFFSET ${}", next + 1);
        statement.text.to_mut().push_str(&order);
        self.all(statement.bind(limit).bind(offset)).await
    }

    /// How many approvals match.
    pub async fn count_approvals(&mut self, tenant: &TenantId, filter: &ApprovalFilter) -> Result<u64> {
        let count = self.number(asked("count approvals", "count(*)", tenant, filter)).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// Steps whose approval has passed its deadline, those that wait longest first; at most `limit`.
    pub async fn approvals_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<StepRow>> {
        let text =
            format!("SELECT {STEP} FROM execution_steps WHERE deadline <= $1 ORDER BY deadline LIMIT $2");
        self.all(sql("find due approvals", text).bind(now).bind(limit)).await
    }
}
