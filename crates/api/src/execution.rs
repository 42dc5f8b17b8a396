//! Executions of workflows, their steps and approvals.

use std::collections::BTreeSet;

use backstay_model::execution::{
    ApprovalStatus, DeadlineDefault, ExecutionState, OnDeny, PauseReason, StepState,
};
use backstay_model::{Actor, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::Problem;
use crate::checkpoint::StateChange;
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

/// Which step is meant when the path has `-` in its place.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StepQuery {
    /// The name of the step, which must be the only open one of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 255)]
    pub checkpoint_name: Option<String>,
}

/// For how long to wait for a step.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StepWaitQuery {
    /// The name of the step, which must be the only open one of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 255)]
    pub checkpoint_name: Option<String>,
    /// For how many seconds; 30 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 300)]
    pub timeout_s: Option<u32>,
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

/// A step of an execution.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// Its id.
    #[schema(examples("step_load_1767435330_9f3a01bc"))]
    pub step_id: String,
    /// Its execution.
    pub execution_id: String,
    /// Its name.
    pub checkpoint_name: String,
    /// The how-manieth step of that name it is, from 1.
    pub attempt: u32,
    /// Who carries it out.
    pub agent_id: String,
    /// What the client calls the execution.
    pub correlation_id: String,
    /// How far it is: `pending` and `paused` must not act, `active` may; `completed`, `failed` and `skipped` are final.
    #[schema(value_type = String)]
    pub state: StepState,
    /// What it works on, as it was sent.
    #[schema(value_type = Option<Object>)]
    pub input_data: Option<Box<RawValue>>,
    /// What it made, as it was sent.
    #[schema(value_type = Option<Object>)]
    pub output_data: Option<Box<RawValue>>,
    /// Why it failed.
    pub error_details: Option<String>,
    /// Whether it asked for an approval.
    pub approval_required: bool,
    /// What became of the approval: `pending`, `approved`, `denied`, `withdrawn`.
    #[schema(value_type = Option<String>)]
    pub approval_status: Option<ApprovalStatus>,
    /// The approval.
    pub approval: Option<Approval>,
    /// What the client said about it, as it was sent.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// The checkpoint of the job that was saved with its end.
    pub checkpoint_id: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
}

/// Who may decide.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// Roles; the lowest named one and every higher one may decide.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Names or ids of users and tokens.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub users: Vec<String>,
}

/// What must be decided before a step may act.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    /// What is to be decided.
    pub title: String,
    /// Who may decide; operators and whoever may do more when nobody is named.
    pub approvers: Approvers,
    /// How many must approve.
    pub min_approvals: u32,
    /// Whether the requester may not approve.
    pub four_eyes: bool,
    /// Until when it can be decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// What happens at the deadline: `approve`, `deny` or `none`.
    #[schema(value_type = String)]
    pub default: DeadlineDefault,
    /// What a denial does to the execution: `pause`, `skip` or `fail`.
    #[schema(value_type = String)]
    pub on_deny: OnDeny,
    /// A JSON Schema of the values that an approval gives.
    #[schema(value_type = Option<Object>)]
    pub form: Option<Value>,
    /// Who asks.
    pub requested_by: String,
    /// What became of it.
    #[schema(value_type = String)]
    pub status: ApprovalStatus,
    /// What was decided, in order.
    pub decisions: Vec<Decision>,
}

/// What one person decided.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// Who; `system:deadline` for the deadline.
    #[schema(value_type = Object)]
    pub actor: Actor,
    /// `approved` or `denied`.
    pub decision: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The values that go with it.
    #[schema(value_type = Option<Object>)]
    pub values: Option<Value>,
}

/// What is asked for before a step may act.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApproval {
    /// What is to be decided; the name of the step when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub title: Option<String>,
    /// Who may decide; operators and whoever may do more when nobody is named.
    #[serde(default)]
    pub approvers: Approvers,
    /// How many must approve; 1 when absent.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100)]
    pub min_approvals: u32,
    /// Whether the requester may not approve.
    #[serde(default)]
    pub four_eyes: bool,
    /// For how long it can be decided, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 315_360_000)]
    pub timeout_s: Option<u64>,
    /// Until when it can be decided; this or `timeout_s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deadline: Option<Timestamp>,
    /// What happens at the deadline: `approve`, `deny` or `none`; `deny` when absent.
    #[serde(default = "deny")]
    #[schema(value_type = String)]
    pub default: DeadlineDefault,
    /// What a denial does to the execution: `pause`, `skip` or `fail`; `pause` when absent.
    #[serde(default = "pause")]
    #[schema(value_type = String)]
    pub on_deny: OnDeny,
    /// A JSON Schema of the values that an approval gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub form: Option<Value>,
}

const fn one() -> u32 {
    1
}

const fn deny() -> DeadlineDefault {
    DeadlineDefault::Deny
}

const fn pause() -> OnDeny {
    OnDeny::Pause
}

const fn yes() -> bool {
    true
}

impl Default for NewApproval {
    fn default() -> Self {
        Self {
            title: None,
            approvers: Approvers::default(),
            min_approvals: one(),
            four_eyes: false,
            timeout_s: None,
            deadline: None,
            default: deny(),
            on_deny: pause(),
            form: None,
        }
    }
}

/// A step to begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStep {
    /// Its name.
    #[schema(min_length = 1, max_length = 255)]
    pub checkpoint_name: String,
    /// Who carries it out.
    #[schema(min_length = 1, max_length = 255)]
    pub agent_id: String,
    /// What it works on: a JSON object of at most 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub input_data: Option<Box<RawValue>>,
    /// Whether it must be approved before it may act. What `approval` leaves out has its default.
    #[serde(default)]
    pub approval_required: bool,
    /// Who decides, until when, and how; asks for an approval also without `approval_required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<NewApproval>,
    /// A JSON object of at most 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
}

/// How a step ended.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepEnd {
    /// What it made: a JSON object of at most 1 MiB. When it failed, its `error` says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub output_data: Option<Box<RawValue>>,
    /// Whether it ended well; a step that failed fails the execution.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub success: bool,
    /// The state of the job after it, as for a checkpoint: saved together with the end of the step, or neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub state: Option<Box<RawValue>>,
}

/// A decision.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecision {
    /// Why; a denial must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// The values that the form of the approval asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub values: Option<Value>,
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

/// Steps of an execution, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StepList {
    /// The steps.
    pub checkpoints: Vec<Step>,
    /// How many there are in all.
    pub total: u64,
}

/// Which approvals to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ApprovalQuery {
    /// Only those with this status; `pending` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(pattern = "^(pending|approved|denied|withdrawn)$")]
    pub status: Option<String>,
    /// Only those of this project; of every project of the tenant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._-]+$")]
    pub project: Option<String>,
    /// Whether to tell what changed in the states of the jobs; then `limit` takes at most 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<bool>,
    /// How many at most; 100 when absent, 20 with `diff`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// How many to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1_000_000_000)]
    pub offset: Option<u64>,
}

/// An approval in the inbox.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RequestedApproval {
    /// The step that asked for it, with the approval and its form.
    pub step: Step,
    /// The project.
    pub project: String,
    /// The job of the execution.
    pub job_id: String,
    /// The name of the workflow.
    pub workflow_name: String,
    /// Whether it is the caller's to decide.
    pub may_decide: bool,
    /// The checkpoint at which the execution stood when it began or when an approval was last given.
    pub state_from: Option<String>,
    /// The checkpoint at which it stands.
    pub state_to: Option<String>,
    /// What changed between them. `null` when that was not asked for, or one of them is gone, damaged or larger than 1 MiB.
    pub state_diff: Option<Vec<StateChange>>,
}

/// Approvals, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApprovalList {
    /// The approvals.
    pub approvals: Vec<RequestedApproval>,
    /// How many match in all.
    pub total: u64,
}

/// Whether something is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Approve,
    /// It is not.
    Deny,
}

/// One of several decisions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OneDecision {
    /// The execution.
    #[schema(min_length = 1, max_length = 128)]
    pub execution_id: String,
    /// The step that waits.
    #[schema(min_length = 1, max_length = 128)]
    pub step_id: String,
    /// What is decided.
    pub decision: Verdict,
    /// Why; a denial must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// The values that the form of the approval asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub values: Option<Value>,
}

/// Several decisions, each made for itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDecisions {
    /// The decisions, in the order in which they are made.
    #[schema(min_items = 1, max_items = 100)]
    pub decisions: Vec<OneDecision>,
}

/// What became of several decisions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DecisionResults {
    /// The results, in the order of the request.
    pub results: Vec<DecisionResult>,
}

/// What became of one of several decisions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DecisionResult {
    /// The HTTP status it would have had alone.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    /// The step, when the decision was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Why it was not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
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
