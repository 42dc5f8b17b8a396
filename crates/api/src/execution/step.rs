//! Steps of an execution.

use backstay_model::Timestamp;
use backstay_model::execution::{ApprovalStatus, StepState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::approval::{Approval, NewApproval};

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

const fn yes() -> bool {
    true
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

/// Steps of an execution, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StepList {
    /// The steps.
    pub checkpoints: Vec<Step>,
    /// How many there are in all.
    pub total: u64,
}
