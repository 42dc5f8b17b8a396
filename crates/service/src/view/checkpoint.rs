//! Checkpoints of jobs.

use backstay_model::Timestamp;
use backstay_model::retention::job::{JobReason, JobRules};
use backstay_source_job::State;
use serde::{Deserialize, Serialize};

/// A checkpoint without its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its public id.
    pub checkpoint_id: String,
    /// Its job.
    pub job_id: String,
    /// The name of the step.
    pub step_name: String,
    /// Its place in the job.
    pub sequence: u64,
    /// When it was saved.
    pub timestamp: Timestamp,
    /// The name of the workflow.
    pub workflow_name: Option<String>,
    /// The version of the workflow.
    pub workflow_version: String,
    /// JSON text of an object.
    pub metadata: Option<String>,
    /// Whether it has a head and channels instead of a JSON state.
    pub typed: bool,
    /// The public id of the checkpoint that it follows.
    pub parent_id: Option<String>,
    /// The execution that saved it.
    pub execution_id: Option<String>,
    /// The epoch of the writer.
    pub epoch: Option<u64>,
    /// When it may go.
    pub expires_at: Option<Timestamp>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// Whether it has a hold.
    pub held: bool,
    /// Whether reading it found damage.
    pub damaged: bool,
    /// The length of its state in bytes.
    pub size_bytes: u64,
    /// How often it was changed.
    pub revision: u64,
}

/// A checkpoint to save.
#[derive(Debug, Clone)]
pub struct NewCheckpoint {
    /// The job, made by its first save.
    pub job_id: String,
    /// The name of the step.
    pub step_name: String,
    /// The state; `None` for one that was imported without.
    pub state: Option<State>,
    /// JSON text of an object.
    pub metadata: Option<String>,
    /// The name of the workflow.
    pub workflow_name: Option<String>,
    /// The version of the workflow; `None` for `1.0`.
    pub workflow_version: Option<String>,
    /// The checkpoint that it follows; `None` for the newest of the job.
    pub parent_id: Option<String>,
    /// The execution that saves it.
    pub execution_id: Option<String>,
    /// After how many seconds it may go.
    pub ttl_s: Option<u64>,
    /// Whether it is pinned.
    pub pinned: bool,
    /// The epoch of the writer; one below the job's is refused.
    pub epoch: Option<u64>,
}

impl NewCheckpoint {
    /// The bytes of the state; none when there is no state.
    pub fn raw(&self) -> &[u8] {
        self.state.as_ref().map_or(&[], |state| state.as_str().as_bytes())
    }
}

/// Which checkpoints of a job to list.
#[derive(Debug, Clone, Default)]
pub struct CheckpointFilter {
    /// Only those with this step name.
    pub step_name: Option<String>,
    /// Newest first.
    pub newest_first: bool,
    /// How many to pass over.
    pub offset: u64,
    /// How many at most.
    pub limit: u32,
}

/// A page of checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointPage {
    /// The checkpoints.
    pub items: Vec<Checkpoint>,
    /// How many there are in all.
    pub total: u64,
}

/// A checkpoint with its state.
#[derive(Debug, Clone)]
pub struct CheckpointState {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The state as JSON text; of a typed one a view that may lose something.
    pub state: String,
}

/// What cleaning a job removed or would remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleaned {
    /// The job.
    pub job_id: String,
    /// The public ids of what goes, oldest first.
    pub deleted: Vec<String>,
    /// The public ids of what stays and why, oldest first.
    pub kept: Vec<(String, JobReason)>,
}

/// A checkpoint to fork from.
#[derive(Debug, Clone)]
pub struct ForkCheckpoint {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// The job of the new one.
    pub job_id: String,
    /// The name of its step; `None` for the same.
    pub step_name: Option<String>,
    /// JSON text of a JSON Patch (RFC 6902).
    pub patch: Option<String>,
    /// JSON text of its metadata; `None` for the same.
    pub metadata: Option<String>,
}

/// A checkpoint in the tree of its job.
#[derive(Debug, Clone)]
pub struct TreeNode {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Whether nothing follows it.
    pub head: bool,
}

/// A value that a pointer had.
#[derive(Debug, Clone)]
pub struct PointerValue {
    /// Since which checkpoint.
    pub checkpoint: Checkpoint,
    /// JSON text of the value; `None` where there is none.
    pub value: Option<String>,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number, which is its place in lists.
    pub number: i64,
    /// Its name.
    pub job_id: String,
    /// Its project.
    pub project: String,
    /// How many checkpoints it has.
    pub checkpoints: u64,
    /// How often a resume was confirmed.
    pub epoch: u64,
    /// Its own policy.
    pub retention: Option<JobRules>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last saved to.
    pub updated_at: Timestamp,
}

/// The policy of a job or project.
#[derive(Debug, Clone)]
pub struct JobRetention {
    /// Its own.
    pub own: Option<JobRules>,
    /// The one that holds.
    pub effective: Option<JobRules>,
    /// Where that comes from.
    pub from: Option<&'static str>,
}

/// What a policy would do.
#[derive(Debug, Clone)]
pub struct JobPlan {
    /// The plan.
    pub id: String,
    /// What would go and what would stay.
    pub cleaned: Cleaned,
    /// Why each of those goes that would.
    pub reasons: Vec<&'static str>,
    /// Until when it can be carried out.
    pub expires_at: Timestamp,
}
