//! Jobs and their retention.

use backstay_model::Timestamp;
use backstay_model::retention::job::JobRules;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its name.
    pub job_id: String,
    /// Its project.
    pub project: String,
    /// How many checkpoints it has.
    pub checkpoints: u64,
    /// How often a resume was confirmed.
    pub epoch: u64,
    /// Its own policy.
    #[schema(value_type = Option<JobPolicy>)]
    pub retention: Option<JobRules>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last saved to.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// A page of jobs, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobList {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// How many there are in the project.
    pub total: u64,
    /// The `cursor` of the next page.
    pub next: Option<i64>,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// How many at most; 100 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next` of the page before.
    #[serde(default)]
    #[param(minimum = 0)]
    pub cursor: Option<i64>,
}

/// What a policy keeps. Without any rule everything is kept that has not outlived its own time.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is the schema of `JobRules`, which knows nothing of schemas")]
pub struct JobPolicy {
    /// The newest so many.
    #[schema(minimum = 1, maximum = 10_000)]
    keep_last: Option<u32>,
    /// Everything younger than this.
    #[schema(minimum = 1)]
    keep_for_s: Option<u64>,
    /// The newest one of every stretch of so many seconds.
    #[schema(minimum = 1)]
    keep_every_s: Option<u64>,
    /// Of an execution that has ended the newest so many; for these checkpoints no other rule counts.
    #[schema(minimum = 1, maximum = 10_000)]
    keep_after_completion: Option<u32>,
    /// After how many seconds without a save the whole job expires; it can be brought back for seven days.
    #[schema(minimum = 86_400)]
    expire_job_after_idle_s: Option<u64>,
}

/// A policy to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRetention {
    /// The job; the project when absent.
    #[serde(default)]
    pub job_id: Option<String>,
    /// The policy; none when absent.
    #[serde(default)]
    #[schema(value_type = Option<JobPolicy>)]
    pub retention: Option<JobRules>,
}

/// The policy of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Retention {
    /// The job; absent for the project.
    pub job_id: Option<String>,
    /// Its own policy.
    #[schema(value_type = Option<JobPolicy>)]
    pub retention: Option<JobRules>,
    /// The policy that holds.
    #[schema(value_type = Option<JobPolicy>)]
    pub effective: Option<JobRules>,
    /// Where that comes from: `job`, `project`, `server` or nothing.
    pub from: Option<String>,
}

/// An expired job to bring back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnexpireJob {
    /// The job.
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: String,
}

/// A new key under which states are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedJobKey {
    /// Its number.
    pub number: u16,
}

/// A policy to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanRetention {
    /// The job.
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: String,
    /// The policy; the one that holds when absent.
    #[serde(default)]
    #[schema(value_type = Option<JobPolicy>)]
    pub retention: Option<JobRules>,
}

/// What a policy would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RetentionPlan {
    /// The plan, to be carried out within a day.
    pub plan_id: String,
    /// The job.
    pub job_id: String,
    /// What would go, oldest first.
    pub delete: Vec<Decided>,
    /// What would stay, oldest first.
    pub keep: Vec<Decided>,
    /// Until when it can be carried out.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// What is to happen to a checkpoint, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    /// The checkpoint.
    pub checkpoint_id: String,
    /// Why.
    pub reason: String,
}

/// A policy to carry out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRetention {
    /// The job.
    #[schema(min_length = 1, max_length = 512)]
    pub job_id: String,
    /// A plan: nothing goes that it did not show.
    #[serde(default)]
    pub plan_id: Option<String>,
}
