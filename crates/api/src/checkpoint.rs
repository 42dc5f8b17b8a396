//! Checkpoints of jobs. States and metadata are passed on as they were sent, byte for byte.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::Problem;

/// What form the state of a checkpoint has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A JSON object.
    Json,
    /// A head and channels, each a type and bytes.
    Typed,
}

/// What is known of the content of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StateIntegrity {
    /// No damage is known.
    Ok,
    /// Reading it found damage.
    Damaged,
}

/// A checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Checkpoint {
    /// Its id.
    #[schema(examples("step_2_1737201236_9f3a01bc"))]
    pub checkpoint_id: String,
    /// Its job.
    pub job_id: String,
    /// The name of the step.
    pub step_name: String,
    /// Its place in the job, from 1: the only order.
    pub sequence: u64,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The name of the workflow.
    pub workflow_name: Option<String>,
    /// The version of the workflow.
    pub workflow_version: String,
    /// What the client said about it, as it was sent.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// What form its state has.
    pub form: Form,
    /// The checkpoint that it follows.
    pub parent_id: Option<String>,
    /// The execution that saved it.
    pub execution_id: Option<String>,
    /// The epoch of the writer.
    pub epoch: Option<u64>,
    /// When it may go.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it has a hold.
    pub held: bool,
    /// What is known of its content.
    pub integrity: StateIntegrity,
    /// The length of its state in bytes.
    pub size_bytes: u64,
    /// The state as it was saved, order of keys and text of numbers too; only where one checkpoint is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub state_snapshot: Option<Box<RawValue>>,
}

/// A checkpoint to save.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckpoint {
    /// The job; made by its first save. Any text without control characters; no path is ever made of it.
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: String,
    /// The name of the step.
    #[schema(min_length = 1, max_length = 255)]
    pub step_name: String,
    /// The state: a JSON object of at most 64 MiB, nested at most 256 deep, without a key that stands twice.
    #[schema(value_type = Object)]
    pub state: Box<RawValue>,
    /// A JSON object of at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
    /// The name of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub workflow_name: Option<String>,
    /// The version of the workflow; `1.0` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    pub workflow_version: Option<String>,
    /// The checkpoint of the same job that it follows; the newest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The execution that saves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub execution_id: Option<String>,
    /// After how many seconds it may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3_153_600_000_u64)]
    pub ttl_s: Option<u64>,
    /// Whether it is pinned.
    #[serde(default)]
    pub pinned: bool,
    /// The epoch of the writer: refused when the job was resumed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
}

/// Several checkpoints to save in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCheckpoints {
    /// The checkpoints.
    #[schema(min_items = 1, max_items = 1000, value_type = Vec<NewCheckpoint>)]
    pub checkpoints: Vec<Box<RawValue>>,
    /// Whether all are saved or none.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub atomic: bool,
}

const fn yes() -> bool {
    true
}

/// What became of several checkpoints that were saved together.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CreatedCheckpoints {
    /// The checkpoints, in the order of the request.
    pub items: Vec<Checkpoint>,
}

/// What became of several checkpoints, each for itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointResults {
    /// The results, in the order of the request.
    pub results: Vec<CheckpointResult>,
}

/// What became of one of several checkpoints.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointResult {
    /// The HTTP status it would have had alone.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    /// The checkpoint, when it was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Checkpoint>,
    /// Why it was not saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// In which order checkpoints are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

/// Which checkpoints to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CheckpointQuery {
    /// The job.
    #[param(min_length = 1)]
    pub job_id: String,
    /// How many at most; 1000 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// How many to pass over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0)]
    pub offset: Option<u64>,
    /// The order; oldest first when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub order: Option<Order>,
    /// Only those with this step name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_name: Option<String>,
}

/// A page of a job's checkpoints.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointList {
    /// The job.
    pub job_id: String,
    /// The checkpoints, without their states.
    pub checkpoints: Vec<Checkpoint>,
    /// How many there are in all.
    pub total: u64,
    /// When the list was made.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
}

/// How to restore a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreCheckpoint {
    /// Whether the job's executor is asked to go on from the state.
    #[serde(default)]
    #[schema(default = false)]
    pub resume: bool,
    /// Why, for the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
}

/// A restored checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RestoredCheckpoint {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// Its job.
    pub job_id: String,
    /// The state as it was saved.
    #[schema(value_type = Object)]
    pub state: Box<RawValue>,
    /// `restored`, or `resumed` when an executor confirmed.
    pub job_status: String,
    /// A sentence about it.
    pub message: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The resume, when one was begun.
    pub resume_id: Option<String>,
    /// The safety checkpoint, when one was taken.
    pub safety_checkpoint_id: Option<String>,
}

/// How to clean a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanJob {
    /// The job.
    #[schema(max_length = 512)]
    pub job_id: String,
    /// How many of the newest stay.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 100, default = 10)]
    pub keep_last: u32,
    /// Whether nothing is deleted and the answer tells what would be.
    #[serde(default)]
    #[schema(default = false)]
    pub dry_run: bool,
}

const fn ten() -> u32 {
    10
}

/// What cleaning a job did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CleanedJob {
    /// The job.
    pub job_id: String,
    /// How many were deleted.
    pub deleted_count: u64,
    /// How many stay.
    pub kept_count: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// What was deleted, oldest first.
    pub deleted: Vec<String>,
    /// What stays, oldest first.
    pub kept: Vec<KeptCheckpoint>,
}

/// A checkpoint that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptCheckpoint {
    /// The checkpoint.
    pub id: String,
    /// Why it stays.
    #[schema(examples("newest", "held", "last_good"))]
    pub reason: String,
}

/// A checkpoint to fork from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForkCheckpoint {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// The job of the new one; made by its first save.
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: String,
    /// The name of its step; the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 255)]
    pub step_name: Option<String>,
    /// A JSON Patch (RFC 6902) that changes the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub patch: Option<Box<RawValue>>,
    /// Its metadata; the same when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Box<RawValue>>,
}

/// Which checkpoints to compare.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DiffQuery {
    /// The old one.
    pub from: String,
    /// The new one.
    pub to: String,
}

/// The difference of two states.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StateDiff {
    /// The old checkpoint.
    pub from: String,
    /// The new checkpoint.
    pub to: String,
    /// Whether the states are the same JSON value.
    pub identical: bool,
    /// A JSON Patch (RFC 6902) from the old state to the new one.
    #[schema(value_type = Vec<Object>)]
    pub patch: Vec<Box<RawValue>>,
    /// The same for people, with the values before.
    pub changes: Vec<StateChange>,
}

/// One change between two states.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StateChange {
    /// `add`, `remove` or `replace`.
    pub op: String,
    /// Where: a JSON pointer (RFC 6901).
    pub path: String,
    /// The value before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub old: Option<Box<RawValue>>,
    /// The value after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub new: Option<Box<RawValue>>,
}

/// Which job to look at.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    /// The job.
    pub job_id: String,
}

/// Which job to look at, and when.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AtQuery {
    /// The job.
    pub job_id: String,
    /// The time.
    #[param(value_type = String, format = DateTime)]
    pub time: Timestamp,
}

/// Which value of a job to follow.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PointerQuery {
    /// The job.
    pub job_id: String,
    /// A JSON pointer (RFC 6901); the empty one is the whole state.
    pub pointer: String,
}

/// Which checkpoint follows which.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointTree {
    /// The job.
    pub job_id: String,
    /// The checkpoints, oldest first.
    pub nodes: Vec<CheckpointNode>,
}

/// A checkpoint in the tree of its job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointNode {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// The checkpoint that it follows.
    pub parent_id: Option<String>,
    /// Its place in the job.
    pub sequence: u64,
    /// The name of the step.
    pub step_name: String,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// Whether nothing follows it: the end of a branch.
    pub head: bool,
}

/// The values that a pointer had.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PointerHistory {
    /// The pointer.
    pub pointer: String,
    /// Each value with the checkpoint since which it stands, oldest first.
    pub values: Vec<PointerValue>,
}

/// A value that a pointer had.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PointerValue {
    /// Since this checkpoint.
    pub checkpoint_id: String,
    /// Its place in the job.
    pub sequence: u64,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// Whether there is a value.
    pub present: bool,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub value: Option<Box<RawValue>>,
}

/// A checkpoint to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldCheckpoint {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500, pattern = r"^[^\u0000]*$")]
    pub reason: String,
}

/// A checkpoint to release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCheckpoint {
    /// The checkpoint.
    pub checkpoint_id: String,
}

/// A checkpoint to pin or unpin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinCheckpoint {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// Whether it is pinned from now on.
    pub pinned: bool,
}
