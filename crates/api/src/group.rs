//! Workspace groups: workspaces that are captured and restored together.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};

/// Workspaces that are captured and restored together, all or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkspaceGroup {
    /// The id.
    pub id: String,
    /// The name, unique in the tenant.
    pub name: String,
    /// The tenant.
    pub tenant_id: String,
    /// The members, sorted.
    pub workspace_ids: Vec<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

page!(
    /// A page of groups, by name.
    WorkspaceGroupPage,
    workspace_groups: WorkspaceGroup
);

list_query!(
    /// Which groups to list.
    WorkspaceGroupQuery {}
);

/// The schema of the id of a member.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
#[expect(dead_code, reason = "it is the schema of a list item and nothing else")]
pub struct MemberId(String);

/// A group to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkspaceGroup {
    /// The name.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9 ._-]+$")]
    pub name: String,
    /// The members, all on one host.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<MemberId>)]
    pub workspace_ids: Vec<String>,
}

/// A capture of every member.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewGroupSnapshot {
    /// A name for people, given to every member's snapshot.
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f]*$")]
    pub label: String,
}

/// The answer to a request for a capture of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupSnapshotAccepted {
    /// The id that the members' snapshots share as `group_id`.
    pub group_snapshot_id: String,
    /// The snapshots, one for each member.
    pub snapshot_ids: Vec<String>,
    /// The task that captures them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// A restore of every member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroupRestore {
    /// Which capture of the group to put back.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\u0000]*$")]
    pub group_snapshot_id: String,
}

/// The answer to a request for a restore of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupRestoreAccepted {
    /// The operations, one for each member.
    pub operation_ids: Vec<String>,
    /// The task that restores them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}
