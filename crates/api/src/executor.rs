//! Executors, and their attempts to let a job go on.

use backstay_model::execution::{Capability, ResumeState};
use backstay_model::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How messages reach an executor that is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExecutorMode {
    /// It asks for them.
    Pull,
}

/// What lets jobs go on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Executor {
    /// Its id.
    #[schema(examples("executor_worker_1767435330_9f3a01bc"))]
    pub executor_id: String,
    /// The project whose jobs it is for.
    pub project: String,
    /// Its name, unique in the project.
    pub name: String,
    /// Where messages go; `null` for one that asks for them.
    pub url: Option<String>,
    /// `pull` for one that asks for messages; else `null`.
    pub mode: Option<ExecutorMode>,
    /// The globs of jobs and workflows that it is for.
    pub r#match: Vec<String>,
    /// How long it may take to answer, in seconds.
    pub timeout_s: u32,
    /// What it can do: `resume`, `capture`.
    #[schema(value_type = Vec<String>)]
    pub capabilities: Vec<Capability>,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// An executor to register: with `url` or with `mode`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewExecutor {
    /// Its name, unique in the project.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Where messages go: https or http, not into a private network unless the server allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub url: Option<String>,
    /// `pull`: it asks for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ExecutorMode>,
    /// Globs of jobs or workflows; the executor whose globs fit best is asked.
    #[schema(min_items = 1, max_items = 100)]
    pub r#match: Vec<String>,
    /// How long it may take to answer, in seconds; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 300)]
    pub timeout_s: Option<u32>,
    /// What it can do: `resume` (let a job go on), `capture` (hand over the present state); `resume` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub capabilities: Option<Vec<Capability>>,
}

/// A new executor with its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedExecutor {
    /// The executor.
    pub executor: Executor,
    /// Its secret, shown this once: what signs its messages, as Standard Webhooks lays down.
    pub secret: String,
}

/// The executors of a project.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExecutorList {
    /// The executors, by name.
    pub executors: Vec<Executor>,
}

/// For how long to wait for a message.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PollQuery {
    /// For how many seconds; 30 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 300)]
    pub timeout_s: Option<u32>,
}

/// A message for an executor.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExecutorMessage {
    /// What it is: `job.resume`.
    pub r#type: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// `delivery_id`, `job_id`, `checkpoint_id`, `step_name`, `form`, `state` (or `state_url` and `state_hash`), `epoch` and more.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// Which executor a job names.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameExecutor {
    /// The job.
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: String,
    /// The name of the executor; `null`: the one that fits best.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub executor: Option<String>,
}

/// The word of an executor about a resume.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmResume {
    /// Whether the job goes on; `true` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// An attempt to let a job go on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Resume {
    /// Its id, which is also the id of the message.
    #[schema(examples("resume_nightly_1767435330_9f3a01bc"))]
    pub resume_id: String,
    /// The job.
    pub job_id: String,
    /// The checkpoint from which the job is to go on.
    pub checkpoint_id: String,
    /// The checkpoint that is kept for seven days.
    pub safety_checkpoint_id: Option<String>,
    /// How far it is: `delivering`, `confirmed`, `refused`, or `failed`, which can still be confirmed.
    #[schema(value_type = String)]
    pub state: ResumeState,
    /// The epoch of the job once it is confirmed.
    pub epoch: u64,
    /// Who wants it.
    #[schema(value_type = Object)]
    pub requested_by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// Why it did not succeed.
    pub failure: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}
