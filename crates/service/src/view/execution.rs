//! Executions of workflows, their steps and approvals.

use std::collections::BTreeSet;

use backstay_model::execution::{
    ApprovalStatus, DeadlineDefault, ExecutionState, OnDeny, PauseReason, StepState,
};
use backstay_model::{Event, Role, Timestamp};
use backstay_source_job::execution::{ApprovalRequest, Decision, Origin};
use backstay_source_job::{Change, State};
use serde_json::Value;

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its public id.
    pub execution_id: String,
    /// What the client calls it; two may have the same.
    pub correlation_id: String,
    /// The name of the workflow.
    pub workflow_name: String,
    /// Its job.
    pub job_id: String,
    /// How far it is.
    pub state: ExecutionState,
    /// Why it is paused.
    pub pause_reasons: BTreeSet<PauseReason>,
    /// The name of the step that was begun last, until a step ends.
    pub current_checkpoint: Option<String>,
    /// JSON text of an object, as it was sent.
    pub global_data: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How many steps it has.
    pub total_checkpoints: u64,
    /// How many ended well.
    pub completed_checkpoints: u64,
    /// How many failed.
    pub failed_checkpoints: u64,
    /// How many approvals are pending.
    pub pending_approvals: u64,
    /// Where it was forked from.
    pub forked_from: Option<Origin>,
}

/// How to fork an execution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForkExecution {
    /// What the client calls the new one; as the old one when absent.
    pub correlation_id: Option<String>,
    /// Its job; one of its own when absent.
    pub job_id: Option<String>,
    /// The public id of the checkpoint of the job whose state it begins with; the one at which the old one stands when absent.
    pub checkpoint_id: Option<String>,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// An execution to start.
#[derive(Debug, Clone)]
pub struct NewExecution {
    /// What the client calls it.
    pub correlation_id: String,
    /// The name of the workflow.
    pub workflow_name: String,
    /// The data that it begins with; an empty object when absent.
    pub initial_data: Option<State>,
    /// Its job; one of its own, named as the execution, when absent.
    pub job_id: Option<String>,
}

/// Which executions to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Only those in this state.
    pub state: Option<ExecutionState>,
    /// Only those of this workflow.
    pub workflow_name: Option<String>,
    /// Only those of this job.
    pub job_id: Option<String>,
    /// How many to skip.
    pub offset: u64,
    /// How many to return at most.
    pub limit: u32,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

/// Events of an execution, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionEvents {
    /// The events.
    pub events: Vec<Event>,
    /// After which number the next page begins.
    pub next: Option<u64>,
}

/// A step of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its public id.
    pub step_id: String,
    /// The public id of its execution.
    pub execution_id: String,
    /// Its name.
    pub checkpoint_name: String,
    /// The how-manieth step of that name it is, from 1.
    pub attempt: u32,
    /// Who carries it out.
    pub agent_id: String,
    /// What the client calls the execution.
    pub correlation_id: String,
    /// How far it is.
    pub state: StepState,
    /// JSON text of an object, as it was sent.
    pub input_data: Option<String>,
    /// JSON text of an object, as it was sent.
    pub output_data: Option<String>,
    /// Why it failed.
    pub error_details: Option<String>,
    /// What it asked for, with what became of it.
    pub approval: Option<Approval>,
    /// JSON text of an object, as it was sent.
    pub metadata: Option<String>,
    /// The public id of the checkpoint that was saved with its end.
    pub checkpoint_id: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What was asked for.
    pub request: ApprovalRequest,
    /// What became of it.
    pub status: ApprovalStatus,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
}

/// A step to begin.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// Its name.
    pub checkpoint_name: String,
    /// Who carries it out.
    pub agent_id: String,
    /// What it works on.
    pub input_data: Option<State>,
    /// What must be decided before it may act.
    pub approval: Option<NewApproval>,
    /// What the client says about it.
    pub metadata: Option<State>,
}

/// What a step asks for before it may act.
#[derive(Debug, Clone)]
pub struct NewApproval {
    /// What is to be decided; the name of the step when absent.
    pub title: Option<String>,
    /// The lowest roles that may decide.
    pub roles: Vec<Role>,
    /// Names or ids of those who may decide.
    pub users: Vec<String>,
    /// How many must approve.
    pub min_approvals: u32,
    /// Whether the requester may not approve.
    pub four_eyes: bool,
    /// For how long it can be decided, in seconds.
    pub timeout_s: Option<u64>,
    /// Until when it can be decided.
    pub deadline: Option<Timestamp>,
    /// What happens at the deadline.
    pub default: DeadlineDefault,
    /// What a denial does to the execution.
    pub on_deny: OnDeny,
    /// A JSON Schema of the values that an approval gives.
    pub form: Option<Value>,
}

/// Which step of an execution is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhichStep {
    /// The one with this public id.
    Id(String),
    /// The only open one of this name.
    Named(String),
}

/// How a step ended.
#[derive(Debug, Clone)]
pub struct StepEnd {
    /// What it made.
    pub output_data: Option<State>,
    /// Whether it ended well.
    pub success: bool,
    /// The state of the job after it, saved as a checkpoint together with its end.
    pub state: Option<State>,
}

/// What a person decides about an approval.
#[derive(Debug, Clone)]
pub struct NewDecision {
    /// Whether it is an approval.
    pub approved: bool,
    /// Why.
    pub reason: Option<String>,
    /// The values that the form asks for.
    pub values: Option<Value>,
}

/// One of several decisions.
#[derive(Debug, Clone)]
pub struct OneDecision {
    /// The public id of the execution.
    pub execution_id: String,
    /// The step that waits.
    pub which: WhichStep,
    /// What is decided.
    pub decision: NewDecision,
}

/// Which approvals to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// Only those with this status.
    pub status: ApprovalStatus,
    /// Only those of this project.
    pub project: Option<String>,
    /// Whether to tell what changed in the states of the jobs.
    pub compare: bool,
    /// How many to skip.
    pub offset: u64,
    /// How many to return at most.
    pub limit: u32,
}

/// An approval in the inbox.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedApproval {
    /// The step that asked for it.
    pub step: Step,
    /// The project.
    pub project: String,
    /// The job of the execution.
    pub job_id: String,
    /// The name of the workflow.
    pub workflow_name: String,
    /// Whether it is the caller's to decide.
    pub may_decide: bool,
    /// What has become of the state of the job.
    pub state: PendingState,
}

/// What has become of the state of a job since somebody last looked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PendingState {
    /// The checkpoint at which the execution stood when it began or when an approval was last given.
    pub from: Option<String>,
    /// The checkpoint at which it stands.
    pub to: Option<String>,
    /// What changed between them, when that was asked for and both can be compared.
    pub changes: Option<Vec<Change>>,
}

/// What a person or program does to an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    /// Pause it.
    Pause,
    /// Go on.
    Resume,
    /// End it well.
    Complete,
    /// End it with an error.
    Fail,
    /// End it.
    Cancel,
}

/// What removing old executions did or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanedExecutions {
    /// The public ids of those that went or would go.
    pub deleted: Vec<String>,
    /// How many more are as old; call again.
    pub more: bool,
}

impl Steer {
    /// Its verb.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Complete => "complete",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
        }
    }
}
