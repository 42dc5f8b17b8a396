//! What must be decided before a step may act, and the decisions.

use backstay_model::execution::{ApprovalStatus, DeadlineDefault, OnDeny};
use backstay_model::{Actor, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::step::Step;
use crate::Problem;
use crate::checkpoint::StateChange;

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
