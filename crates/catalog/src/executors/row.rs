//! The rows of executors and resumes.

use backstay_model::execution::{Capability, ResumeState};
use backstay_model::{TenantId, Timestamp};

use crate::error::Result;
use crate::sql::{Fields, Record};

/// Something that lets jobs go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorRow {
    /// Its number, from which its public id is made.
    pub number: i64,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// The project.
    pub project: String,
    /// Its name, unique in the project.
    pub name: String,
    /// Whether it asks for messages instead of being called.
    pub pull: bool,
    /// The globs of jobs and workflows that it is for.
    pub patterns: Vec<String>,
    /// How long it may take to answer, in seconds.
    pub timeout_s: u32,
    /// What it can do.
    pub capabilities: Vec<Capability>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Where it is, and its secret, sealed.
    pub record: Vec<u8>,
}

pub(super) const EXECUTOR: &str =
    "number, tenant_id, project, name, pull, patterns, timeout_s, capabilities, created_at, record";

impl Record for ExecutorRow {
    const TABLE: &'static str = "executors";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            tenant: fields.parsed()?,
            project: fields.text()?,
            name: fields.text()?,
            pull: fields.flag()?,
            patterns: fields.json()?,
            timeout_s: fields.small()?,
            capabilities: fields.json()?,
            created_at: fields.time()?,
            record: fields.bytes()?,
        })
    }
}

/// An attempt to let a job go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeRow {
    /// Its number, from which its public id is made.
    pub number: i64,
    /// The job.
    pub job: i64,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// The executor.
    pub executor: i64,
    /// The checkpoint from which the job is to go on.
    pub checkpoint: i64,
    /// How far it is.
    pub state: ResumeState,
    /// The epoch of the job once it is confirmed.
    pub epoch: u64,
    /// The checkpoint that is kept in case the job must go back.
    pub safety: Option<i64>,
    /// When the pin of that one ends, if this attempt pinned it.
    pub unpin_at: Option<Timestamp>,
    /// When the message is given out again to an executor that polls.
    pub leased_until: Option<Timestamp>,
    /// When it is over although nobody ended it.
    pub ends_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What was said about it, sealed.
    pub record: Vec<u8>,
}

pub(super) const RESUME: &str = "number, job, tenant_id, executor, checkpoint, state, epoch, safety, unpin_at, \
     leased_until, ends_at, created_at, ended_at, record";

impl Record for ResumeRow {
    const TABLE: &'static str = "resumes";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            job: fields.int()?,
            tenant: fields.parsed()?,
            executor: fields.int()?,
            checkpoint: fields.int()?,
            state: fields.parsed()?,
            epoch: fields.count()?,
            safety: fields.optional_int()?,
            unpin_at: fields.optional_time()?,
            leased_until: fields.optional_time()?,
            ends_at: fields.time()?,
            created_at: fields.time()?,
            ended_at: fields.optional_time()?,
            record: fields.bytes()?,
        })
    }
}
