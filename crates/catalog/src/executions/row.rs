//! The rows of executions and steps.

use std::collections::BTreeSet;

use backstay_model::execution::{ApprovalStatus, ExecutionState, PauseReason, StepState};
use backstay_model::{TenantId, Timestamp};

use crate::error::Result;
use crate::sql::{Fields, Record};

/// The last numbers given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutionNumbers {
    /// Of an execution.
    pub execution: i64,
    /// Of a step.
    pub step: i64,
    /// Of an executor.
    pub executor: i64,
    /// Of a resume.
    pub resume: i64,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRow {
    /// Its number, from which its public id is made.
    pub number: i64,
    /// The number of its job.
    pub job: i64,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// The project.
    pub project: String,
    /// The name of the workflow.
    pub workflow_name: String,
    /// How far it is.
    pub state: ExecutionState,
    /// Why it is paused.
    pub reasons: BTreeSet<PauseReason>,
    /// The number of the step that was begun last, until a step ends.
    pub current_step: Option<i64>,
    /// The number of the checkpoint at which it stands.
    pub checkpoint: Option<i64>,
    /// The number of the one at which it stood when it began or when the last approval was given.
    pub seen_checkpoint: Option<i64>,
    /// How many steps it has.
    pub steps: u64,
    /// How many ended well.
    pub completed_steps: u64,
    /// How many failed.
    pub failed_steps: u64,
    /// How many approvals are pending.
    pub pending_approvals: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What never changes of it, sealed.
    pub record: Vec<u8>,
}

pub(super) const EXECUTION: &str = "number, job, tenant_id, project, workflow_name, state, reasons, current_step, checkpoint, \
     seen_checkpoint, steps, completed_steps, failed_steps, pending_approvals, started_at, completed_at, record";

impl Record for ExecutionRow {
    const TABLE: &'static str = "executions";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            job: fields.int()?,
            tenant: fields.parsed()?,
            project: fields.text()?,
            workflow_name: fields.text()?,
            state: fields.parsed()?,
            reasons: fields.json()?,
            current_step: fields.optional_int()?,
            checkpoint: fields.optional_int()?,
            seen_checkpoint: fields.optional_int()?,
            steps: fields.count()?,
            completed_steps: fields.count()?,
            failed_steps: fields.count()?,
            pending_approvals: fields.count()?,
            started_at: fields.time()?,
            completed_at: fields.optional_time()?,
            record: fields.bytes()?,
        })
    }
}

/// A step of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Its number, from which its public id is made.
    pub number: i64,
    /// The number of its execution.
    pub execution: i64,
    /// The number of its job.
    pub job: i64,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// The project.
    pub project: String,
    /// A hash of the execution and the step's name.
    pub name: i64,
    /// The how-manieth step of that name it is, from 1.
    pub attempt: u32,
    /// How far it is.
    pub state: StepState,
    /// What became of its approval, when it asked for one.
    pub approval: Option<ApprovalStatus>,
    /// When something is to happen to a pending approval.
    pub deadline: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// What never changes of it, sealed.
    pub record: Vec<u8>,
    /// What became of it, sealed.
    pub outcome: Vec<u8>,
}

pub(super) const STEP: &str = "number, execution, job, tenant_id, project, name, attempt, state, approval, deadline, \
     created_at, completed_at, record, outcome";

impl Record for StepRow {
    const TABLE: &'static str = "execution_steps";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            execution: fields.int()?,
            job: fields.int()?,
            tenant: fields.parsed()?,
            project: fields.text()?,
            name: fields.int()?,
            attempt: fields.small()?,
            state: fields.parsed()?,
            approval: fields.optional_parsed()?,
            deadline: fields.optional_time()?,
            created_at: fields.time()?,
            completed_at: fields.optional_time()?,
            record: fields.bytes()?,
            outcome: fields.bytes()?,
        })
    }
}
