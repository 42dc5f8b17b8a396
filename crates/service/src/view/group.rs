//! Groups of workspaces.

use backstay_model::{OperationId, SnapshotId, SourceId, TaskId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// Workspaces that are captured and restored together, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The id.
    pub id: String,
    /// The name, unique in the tenant.
    pub name: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The members, sorted.
    pub members: Vec<SourceId>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A group to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// The name: 1 to 100 of `A-Za-z0-9 ._-`.
    pub name: String,
    /// The members, all on one host.
    pub members: Vec<SourceId>,
}

/// A capture of every member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSnapshot {
    /// What the members' snapshots share as `group`.
    pub group_snapshot: String,
    /// The snapshots, in the order of the members.
    pub snapshots: Vec<SnapshotId>,
    /// The task that captures them, when a worker does.
    pub task: Option<TaskId>,
}

/// A restore of every member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRestore {
    /// The operations, in the order of the members.
    pub operations: Vec<OperationId>,
    /// The task that restores them, when a worker does.
    pub task: Option<TaskId>,
}
