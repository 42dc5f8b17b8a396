//! Executions of workflows, their steps and approvals.

mod approval;
mod step;

use std::collections::BTreeSet;

use backstay_model::Timestamp;
use backstay_model::execution::{ExecutionState, PauseReason};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

pub use approval::{
    Approval, ApprovalList, ApprovalQuery, Approvers, Decision, DecisionResult, DecisionResults, NewApproval,
    NewDecision, NewDecisions, OneDecision, RequestedApproval, Verdict,
};
pub use step::{NewStep, Step, StepEnd, StepList, StepQuery, StepWaitQuery};

use crate::event::Event;

/// An execution of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Execution {
    /// Its id.
    #[schema(examples("exec_nightly_1767435330_9f3a01bc"))]
    pub execution_id: String,
    /// What the client calls it; two may have the same.
    pub correlation_id: String,
    /// The name of the workflow.
    pub workflow_name: String,
    /// Its job.
    pub job_id: String,
    /// How far it is: `running`, `paused`, or one of the final `completed`, `failed` and `cancelled`.
    #[schema(value_type = String)]
    pub state: ExecutionState,
    /// Why it is paused: `user`, `approval`, `denied`.
    #[schema(value_type = Vec<String>)]
    pub pause_reasons: BTreeSet<PauseReason>,
    /// The name of the step that was begun last, until a step ends.
    pub current_checkpoint: Option<String>,
    /// The data that it began with, as it was sent.
    #[schema(value_type = Object)]
    pub global_data: Box<RawValue>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
}

/// Where an execution was forked from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ForkedFrom {
    /// The execution.
    pub execution_id: String,
    /// The checkpoint whose state it begins with; `null`: there was none.
    pub checkpoint_id: Option<String>,
}

/// How to fork an execution.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForkExecution {
    /// What the client calls the new one; as the old one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 255)]
    pub correlation_id: Option<String>,
    /// Its job; one of its own, named as the execution, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: Option<String>,
    /// The checkpoint of the old one's job whose state it begins with; the one at which the old one stands when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128)]
    pub checkpoint_id: Option<String>,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// An execution to start.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExecution {
    /// What the client calls it; two may have the same.
    #[schema(min_length = 1, max_length = 255)]
    pub correlation_id: String,
    /// The name of the workflow.
    #[schema(min_length = 1, max_length = 255)]
    pub workflow_name: String,
    /// The data that it begins with: a JSON object of at most 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub initial_data: Option<Box<RawValue>>,
    /// Its job; one of its own, named as the execution, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: Option<String>,
}

/// Which executions to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExecutionQuery {
    /// Only those in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(pattern = "^(running|paused|completed|failed|cancelled)$")]
    pub state: Option<String>,
    /// Only those of this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 255)]
    pub workflow_name: Option<String>,
    /// Only those of this job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 512)]
    pub job_id: Option<String>,
    /// How many at most; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// How many to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1_000_000_000)]
    pub offset: Option<u64>,
}

/// Executions, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExecutionList {
    /// The executions.
    pub executions: Vec<Execution>,
    /// How many match in all.
    pub total: u64,
}

/// A page of a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PlaceQuery {
    /// How many at most; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// How many to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1_000_000_000)]
    pub offset: Option<u64>,
}

/// Which events of an execution.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExecutionEventQuery {
    /// How many at most; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// After which event: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub after: Option<u64>,
}

/// Events of an execution, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExecutionEvents {
    /// The events.
    pub events: Vec<Event>,
    /// What `after` of the next page is; `null` on the last one.
    pub next: Option<u64>,
}

/// Why an execution is paused, resumed or ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SteerExecution {
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// The open step at which it happens, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub checkpoint_name: Option<String>,
}

/// Which old executions to remove.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanExecutions {
    /// Those that ended more than so many days ago; 30 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 36500)]
    pub max_age_days: Option<u32>,
    /// Only tell which.
    #[serde(default)]
    pub dry_run: bool,
}

/// What removing old executions did or would do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CleanedExecutions {
    /// How many went or would go.
    pub deleted_count: u64,
    /// Their ids.
    pub deleted: Vec<String>,
    /// Whether more are as old: at most 1000 go at once.
    pub more: bool,
}
