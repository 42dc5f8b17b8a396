//! The SQL catalog on SQLite and PostgreSQL: sources, snapshots, events, tasks, users.
//!
//! A [`Catalog`] is opened once. Reads are methods of the [`Session`] that [`Catalog::read`] returns. Changes are
//! methods of the [`Tx`] that [`Catalog::begin`] returns: it collects changes and the events that tell of them, and
//! [`Tx::commit`] makes all of it durable at once, or nothing.
//!
//! # What holds
//! - An acknowledged commit is on disk (SQLite: WAL with `synchronous=FULL`).
//! - Events are numbered without gaps in the order of their commits, and each is hashed over the one before.
//! - A step of a life cycle is guarded by the state before it; when that does not hold, it is a
//!   [`CatalogError::Conflict`] and nothing is changed.
//! - Lists are read from indexes and their totals from counters that every change maintains in its own transaction.
//! - Nothing here reads a clock: the present time is a parameter.

mod accounts;
mod buckets;
mod catalog;
mod checkpoints;
mod error;
mod events;
mod executions;
mod executors;
mod groups;
mod holds;
mod idempotency;
mod job_plans;
mod jobs;
mod layouts;
mod migrate;
mod operations;
mod page;
mod plans;
mod postgres;
#[cfg(test)]
mod query_plans;
mod server_facts;
mod session;
mod settings;
mod snapshots;
mod sources;
mod sql;
mod sqlite;
mod tasks;
mod tenants;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transaction;
mod webhooks;
mod words;

pub use accounts::{LoginLinkRow, SessionRow, TokenFilter, TokenRow, UserChange, UserRow};
pub use catalog::{Catalog, CatalogOptions};
pub use checkpoints::{
    CheckpointFlags, CheckpointHead, CheckpointHold, CheckpointPosition, CheckpointRow, ContentKeyRow,
    ContentTable, FoundCheckpoint, JobNumbers, Link, NamedFilter, StoredContentRow, ValueRow, WriteRow,
};
pub use error::{CatalogError, Cause, Result};
pub use events::{ChainBreak, ChainReport, EventFilter, EventWatch};
pub use executions::{ApprovalFilter, ExecutionFilter, ExecutionNumbers, ExecutionRow, StepRow};
pub use executors::{ExecutorRow, ResumeRow};
pub use groups::GroupRow;
pub use holds::HoldRow;
pub use idempotency::IdempotencyRow;
pub use job_plans::JobPlanRow;
pub use jobs::{JobProgress, JobRow, NewJob};
pub use layouts::LayoutRow;
pub use operations::{OperationEnd, OperationFilter, OperationRow, OperationState};
pub use page::{Page, Paging, Total};
pub use plans::PlanRow;
pub use server_facts::ServerFacts;
pub use session::Session;
pub use snapshots::{
    Growth, NewSnapshot, SnapshotContent, SnapshotFilter, SnapshotRow, Statistics, Tombstone,
};
pub use sources::{SourceChange, SourceFilter, SourceRow};
pub use tasks::{ClaimOptions, Enqueued, Finish, Heartbeat, Lease, NewTask, TaskFilter, TaskRow, TaskState};
pub use tenants::TenantRow;
pub use transaction::{Committed, Tx};
pub use webhooks::{DeliveryEnd, DeliveryRow, DeliveryState, WebhookChange, WebhookRow};
