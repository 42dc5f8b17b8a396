//! The queue: putting in, leasing, keeping the lease, ending.
//!
//! A lease has an epoch. A worker whose task was taken over still holds the old epoch, and every write of
//! it is refused. When the machine's clock jumps back, a dead worker's task waits longer; when it jumps forward, a living
//! worker may lose its lease: in both cases only one of them can finish the task.

use backstay_model::{TaskId, Timestamp};
use serde_json::Value as Json;

use super::row::{COLUMNS, Lease, NewTask, TaskRow};
use crate::catalog::{Backend, Catalog};
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Statement, sql};
use crate::transaction::Tx;

/// What came of queueing a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// It is in the queue.
    New(TaskRow),
    /// A task with the same idempotency key is already there, in whatever state.
    Existing(TaskRow),
}

impl Enqueued {
    /// The task, new or not.
    pub fn into_row(self) -> TaskRow {
        match self {
            Self::New(row) | Self::Existing(row) => row,
        }
    }
}

/// Which task a worker wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimOptions {
    /// Which kinds of work it can do; empty: all.
    pub kinds: Vec<String>,
    /// The name of the worker, unique among all.
    pub owner: String,
    /// The present time.
    pub now: Timestamp,
    /// For how long it takes the lease.
    pub lease_seconds: i64,
}

/// What a worker learns when it keeps its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whether the task should end early.
    pub cancel_requested: bool,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Finish {
    /// The work is done, with this result.
    Done(Json),
    /// It failed for good.
    Failed {
        /// Why.
        error: String,
        /// What is known besides.
        result: Option<Json>,
    },
    /// It was cancelled.
    Cancelled,
    /// It failed and is to be tried again.
    Retry {
        /// Not before this time.
        at: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// It could not begin yet: it is queued again as if it had not been tried.
    Postpone {
        /// Not before this time.
        at: Timestamp,
        /// What it waits for.
        error: String,
    },
}

impl Tx {
    /// Queues a task, unless one with the same idempotency key exists.
    pub async fn enqueue(&mut self, task: &NewTask) -> Result<Enqueued> {
        if let Some(key) = &task.idempotency_key {
            let text = format!("SELECT {COLUMNS} FROM tasks WHERE idempotency_key = $1");
            if let Some(row) = self.one(sql("read a task", text).bind(key)).await? {
                return Ok(Enqueued::Existing(row));
            }
        }
        let text = format!(
            "INSERT INTO tasks (id, tenant_id, source_id, kind, payload, state, idempotency_key, priority, attempts,
                 max_attempts, run_at, lease_epoch, cancel_requested, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, 0, $8, $9, 0, 0, $10, $11) RETURNING {COLUMNS}"
        );
        let statement = sql("queue a task", text)
            .bind(&task.id)
            .bind(&task.tenant)
            .bind(&task.source)
            .bind(&task.kind)
            .bind(&task.payload)
            .bind(&task.idempotency_key)
            .bind(task.priority)
            .bind(task.max_attempts.max(1))
            .bind(task.run_at)
            .bind(serde_json::json!(task.created_by).to_string())
            .bind(task.created_at);
        let row: Option<TaskRow> = self.one(statement).await?;
        row.map(Enqueued::New).ok_or_else(|| CatalogError::not_found("task", &task.id))
    }

    /// Asks for the end of a task. One that waits is cancelled at once; a running one is told at its next heartbeat.
    /// A task that has ended is a [`CatalogError::Conflict`].
    pub async fn cancel_task(&mut self, id: &TaskId, now: Timestamp) -> Result<TaskRow> {
        let text = format!(
            "UPDATE tasks SET cancel_requested = 1,
                 finished_at = CASE state WHEN 'queued' THEN $2 ELSE finished_at END,
                 state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END
             WHERE id = $1 AND state IN ('queued', 'running') RETURNING {COLUMNS}"
        );
        match self.one(sql("cancel a task", text).bind(id).bind(now)).await? {
            Some(row) => Ok(row),
            None => Err(self.task_conflict(id).await?),
        }
    }

    /// Ends an attempt, if the lease still holds; otherwise a [`CatalogError::Conflict`].
    ///
    /// [`Finish::Retry`] queues the task again while attempts are left, and fails it otherwise. [`Finish::Postpone`] queues it again and
    /// takes the attempt back.
    pub async fn finish_task(&mut self, lease: &Lease, now: Timestamp, finish: Finish) -> Result<TaskRow> {
        let (state, result, error, run_at, taken_back) = match finish {
            Finish::Done(result) => ("done", Some(result), None, None, 0_i64),
            Finish::Failed { error, result } => ("failed", result, Some(error), None, 0),
            Finish::Cancelled => ("cancelled", None, None, None, 0),
            Finish::Retry { at, error } => ("queued", None, Some(error), Some(at), 0),
            Finish::Postpone { at, error } => ("queued", None, Some(error), Some(at), 1),
        };
        let text = format!(
            "UPDATE tasks SET
                 state = CASE WHEN $4 = 'queued' AND attempts - $9 >= max_attempts THEN 'failed' ELSE $4 END,
                 finished_at = CASE WHEN $4 = 'queued' AND attempts - $9 < max_attempts THEN NULL ELSE $5 END,
                 attempts = attempts - $9,
                 result = $6, error = $7, run_at = coalesce($8, run_at), lease_owner = NULL, lease_expires_at = NULL
             WHERE id = $1 AND lease_owner = $2 AND lease_epoch = $3 AND state = 'running' RETURNING {COLUMNS}"
        );
        let statement = sql("finish a task", text)
            .bind(&lease.task)
            .bind(&lease.owner)
            .bind(lease.epoch)
            .bind(state)
            .bind(now)
            .bind(&result)
            .bind(&error)
            .bind(run_at)
            .bind(taken_back);
        match self.one(statement).await? {
            Some(row) => Ok(row),
            None => Err(self.task_conflict(&lease.task).await?),
        }
    }

    /// Checks that the lease still holds, so that what the transaction writes is fenced by it.
    pub async fn check_lease(&mut self, lease: &Lease) -> Result<()> {
        let text = "SELECT count(*) FROM tasks
                    WHERE id = $1 AND lease_owner = $2 AND lease_epoch = $3 AND state = 'running'";
        let statement = sql("check a lease", text).bind(&lease.task).bind(&lease.owner).bind(lease.epoch);
        match self.number(statement).await? {
            Some(0) | None => Err(self.task_conflict(&lease.task).await?),
            Some(_) => Ok(()),
        }
    }

    /// Forgets tasks that ended before `before`; returns how many.
    pub async fn forget_tasks(&mut self, before: Timestamp) -> Result<u64> {
        let text = "DELETE FROM tasks WHERE finished_at IS NOT NULL AND finished_at < $1";
        self.execute(sql("forget tasks", text).bind(before)).await
    }
}

impl Session {
    async fn task_conflict(&mut self, id: &TaskId) -> Result<CatalogError> {
        Ok(match self.task(id).await? {
            None => CatalogError::not_found("task", id),
            Some(row) => CatalogError::Conflict {
                what: "task",
                id: id.to_string(),
                found: match &row.lease_owner {
                    Some(owner) => format!("{} by worker {owner}", row.state),
                    None => row.state.to_string(),
                },
            },
        })
    }
}

impl Catalog {
    /// Leases the next task that is due, or one whose lease has run out. Each task is given to one worker.
    ///
    /// A task that is taken over counts another attempt. One with more [`TaskRow::attempts`] than
    /// [`TaskRow::max_attempts`] was taken over only to be failed: its workers died each time.
    pub async fn claim_task(&self, options: &ClaimOptions) -> Result<Option<TaskRow>> {
        let postgres = matches!(self.inner.backend, Backend::Postgres(_));
        // Looking first keeps idle workers from taking the write lock.
        if !postgres && !self.read().await?.task_due(options).await? {
            return Ok(None);
        }
        let due = self.lease(claim(
            "state = 'queued' AND run_at <= $3",
            "priority DESC, run_at, seq",
            options,
            postgres,
        ));
        if let Some(row) = due.await? {
            Ok(Some(row))
        } else {
            let expired = "state = 'running' AND lease_expires_at <= $3";
            self.lease(claim(expired, "lease_expires_at", options, postgres)).await
        }
    }

    /// Keeps a lease and tells how far the work is; a lease that was lost is a [`CatalogError::Conflict`].
    pub async fn heartbeat(
        &self,
        lease: &Lease,
        now: Timestamp,
        lease_seconds: i64,
        progress: Option<&Json>,
    ) -> Result<Heartbeat> {
        let text = format!(
            "UPDATE tasks SET heartbeat_at = $4, lease_expires_at = $5, progress = coalesce($6, progress)
             WHERE id = $1 AND lease_owner = $2 AND lease_epoch = $3 AND state = 'running' RETURNING {COLUMNS}"
        );
        let statement = sql("keep a lease", text)
            .bind(&lease.task)
            .bind(&lease.owner)
            .bind(lease.epoch)
            .bind(now)
            .bind(now.plus_seconds(lease_seconds))
            .bind(progress.map(ToString::to_string));
        match self.lease(statement).await? {
            Some(row) => Ok(Heartbeat { cancel_requested: row.cancel_requested }),
            None => Err(self.read().await?.task_conflict(&lease.task).await?),
        }
    }

    /// Runs one statement that changes one task, outside of the order of the event log.
    async fn lease(&self, statement: Statement) -> Result<Option<TaskRow>> {
        match &self.inner.backend {
            Backend::Postgres(_) => self.read().await?.one(statement).await,
            Backend::Sqlite(_) => {
                let mut tx = self.begin().await?;
                let row = tx.one(statement).await?;
                tx.commit().await?;
                Ok(row)
            }
        }
    }
}

impl Session {
    async fn task_due(&mut self, options: &ClaimOptions) -> Result<bool> {
        let text = "SELECT EXISTS (SELECT 1 FROM tasks WHERE state = 'queued' AND run_at <= $1)
                        OR EXISTS (SELECT 1 FROM tasks WHERE state = 'running' AND lease_expires_at <= $1)";
        Ok(self.number(sql("look for a task", text).bind(options.now)).await?.unwrap_or(0) != 0)
    }
}

fn claim(condition: &str, order: &str, options: &ClaimOptions, postgres: bool) -> Statement {
    let kinds: Vec<String> = (0..options.kinds.len()).map(|index| format!("${}", index + 4)).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!("AND kind IN ({})", kinds.join(", ")) };
    let lock = if postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
    let text = format!(
        "UPDATE tasks SET state = 'running', attempts = attempts + 1, lease_owner = $1, lease_epoch = lease_epoch + 1,
             lease_expires_at = $2, heartbeat_at = $3, started_at = coalesce(started_at, $3)
         WHERE seq = (SELECT seq FROM tasks WHERE {condition} {kinds} ORDER BY {order} LIMIT 1 {lock})
         RETURNING {COLUMNS}"
    );
    sql("lease a task", text)
        .bind(&options.owner)
        .bind(options.now.plus_seconds(options.lease_seconds))
        .bind(options.now)
        .bind_all(options.kinds.iter().map(Into::into))
}

/// The statement that leases the first task of `condition`, as SQLite runs it.
#[cfg(test)]
pub(crate) fn claim_statement(condition: &str, options: &ClaimOptions) -> Statement {
    let order = if condition.contains("queued") { "priority DESC, run_at, seq" } else { "lease_expires_at" };
    claim(condition, order, options, false)
}
