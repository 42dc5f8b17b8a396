//! The row of a task.

use std::fmt;
use std::str::FromStr;

use backstay_model::{Actor, SourceId, TaskId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::Result;
use crate::sql::{Fields, Record};
use crate::words::vocabulary;

vocabulary! {
    /// Where a task is.
    TaskState {
        /// It waits for a worker, or for its time.
        Queued = "queued",
        /// A worker has leased it.
        Running = "running",
        /// It is done.
        Done = "done",
        /// It failed for good.
        Failed = "failed",
        /// It was cancelled.
        Cancelled = "cancelled",
    }
}

impl TaskState {
    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    /// Its place in the order of the catalog.
    pub seq: u64,
    /// Its id.
    pub id: TaskId,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Which source it is about.
    pub source: Option<SourceId>,
    /// Which work it is, for example `capture`.
    pub kind: String,
    /// What the work needs to know.
    pub payload: Json,
    /// Where it is.
    pub state: TaskState,
    /// A second task with the same key is not accepted.
    pub idempotency_key: Option<String>,
    /// Higher ones first.
    pub priority: i64,
    /// How often a worker has begun it.
    pub attempts: u32,
    /// How often a worker may begin it.
    pub max_attempts: u32,
    /// Not before this time.
    pub run_at: Timestamp,
    /// The worker that leased it.
    pub lease_owner: Option<String>,
    /// When the lease runs out.
    pub lease_expires_at: Option<Timestamp>,
    /// Goes up with each lease; writes of an earlier lease are refused.
    pub lease_epoch: u64,
    /// When the worker was last heard of.
    pub heartbeat_at: Option<Timestamp>,
    /// Whether it should end early.
    pub cancel_requested: bool,
    /// How far it is.
    pub progress: Option<Json>,
    /// What came of it.
    pub result: Option<Json>,
    /// Why it failed, or why its last attempt did.
    pub error: Option<String>,
    /// Who asked for it.
    pub created_by: Actor,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When a worker first began it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl TaskRow {
    /// The right to write to the task, when it is leased.
    pub fn lease(&self) -> Option<Lease> {
        let owner = self.lease_owner.clone()?;
        Some(Lease { task: self.id.clone(), owner, epoch: self.lease_epoch })
    }
}

/// The right of one worker to write to one task, until another worker takes it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub task: TaskId,
    /// The worker.
    pub owner: String,
    /// The number of the lease.
    pub epoch: u64,
}

/// A task to queue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTask {
    /// Its id.
    pub id: TaskId,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Which source it is about.
    pub source: Option<SourceId>,
    /// Which work it is, for example `capture`.
    pub kind: String,
    /// What the work needs to know.
    pub payload: Json,
    /// A second task with the same key is not accepted, as long as the first is remembered.
    pub idempotency_key: Option<String>,
    /// Higher ones first.
    pub priority: i64,
    /// How often a worker may begin it, at least 1.
    pub max_attempts: u32,
    /// Not before this time.
    pub run_at: Timestamp,
    /// Who asks for it.
    pub created_by: Actor,
    /// When it is queued.
    pub created_at: Timestamp,
}

pub(crate) const COLUMNS: &str = "id, seq, tenant_id, source_id, kind, payload, state, idempotency_key, priority, attempts, \
     max_attempts, run_at, lease_owner, lease_expires_at, lease_epoch, heartbeat_at, cancel_requested, progress, \
     result, error, created_by, created_at, started_at, finished_at";

impl Record for TaskRow {
    const TABLE: &'static str = "tasks";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            seq: fields.count()?,
            tenant: fields.parsed()?,
            source: fields.optional_parsed()?,
            kind: fields.text()?,
            payload: fields.json()?,
            state: fields.parsed()?,
            idempotency_key: fields.optional_text()?,
            priority: fields.int()?,
            attempts: fields.small()?,
            max_attempts: fields.small()?,
            run_at: fields.time()?,
            lease_owner: fields.optional_text()?,
            lease_expires_at: fields.optional_time()?,
            lease_epoch: fields.count()?,
            heartbeat_at: fields.optional_time()?,
            cancel_requested: fields.flag()?,
            progress: fields.optional_json()?,
            result: fields.optional_json()?,
            error: fields.optional_text()?,
            created_by: fields.json()?,
            created_at: fields.time()?,
            started_at: fields.optional_time()?,
            finished_at: fields.optional_time()?,
        })
    }
}
