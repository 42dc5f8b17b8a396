//! Executors, and their attempts to let a job go on.

use backstay_model::execution::{Capability, ResumeState};
use backstay_model::{Actor, Timestamp};

/// What lets jobs go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executor {
    /// Its public id.
    pub executor_id: String,
    /// The project whose jobs it is for.
    pub project: String,
    /// Its name, unique in the project.
    pub name: String,
    /// Where messages go; `None` for one that asks for them.
    pub url: Option<String>,
    /// The globs of jobs and workflows that it is for.
    pub patterns: Vec<String>,
    /// How long it may take to answer, in seconds.
    pub timeout_s: u32,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// An executor to register.
#[derive(Debug, Clone)]
pub struct NewExecutor {
    /// Its name.
    pub name: String,
    /// Where messages go; `None` for one that asks for them.
    pub url: Option<String>,
    /// The globs of jobs and workflows that it is for.
    pub patterns: Vec<String>,
    /// How long it may take to answer, in seconds.
    pub timeout_s: u32,
    /// What it can do.
    pub capabilities: Vec<Capability>,
}

/// A new executor with its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedExecutor {
    /// The executor.
    pub executor: Executor,
    /// Its secret, shown this once.
    pub secret: String,
}

/// The secret is left out.
impl std::fmt::Debug for CreatedExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedExecutor").field("executor", &self.executor).finish_non_exhaustive()
    }
}

/// An attempt to let a job go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Its public id.
    pub resume_id: String,
    /// The job.
    pub job_id: String,
    /// The checkpoint from which the job is to go on.
    pub checkpoint_id: String,
    /// The checkpoint that is kept for seven days.
    pub safety_checkpoint_id: Option<String>,
    /// How far it is.
    pub state: ResumeState,
    /// The epoch of the job once it is confirmed.
    pub epoch: u64,
    /// Who wants it.
    pub requested_by: Actor,
    /// Why.
    pub reason: Option<String>,
    /// Why it did not succeed.
    pub failure: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A message for an executor that asks, with what it needs to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedMessage {
    /// The value of `webhook-id`.
    pub id: String,
    /// The value of `webhook-timestamp`.
    pub timestamp: i64,
    /// The value of `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}
