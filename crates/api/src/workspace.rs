//! Workspaces: directory trees that are captured.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::page::{list_query, page};
use crate::prune::RetentionRules;

/// A directory tree under Backstay's care.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Workspace {
    /// The id.
    pub id: String,
    /// The name, unique in the tenant.
    pub name: String,
    /// The tenant.
    pub tenant_id: String,
    /// The directory on its host, symbolic links resolved.
    pub root: String,
    /// The host on which the directory is.
    pub host: String,
    /// Grows by one with each change that Backstay makes to the tree.
    pub state_serial: u64,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Which snapshots to keep; without rules all are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<RetentionRules>,
    /// How many snapshots it has, deleted ones not counted; only where it is cheap to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_count: Option<u64>,
}

page!(
    /// A page of workspaces, by name.
    WorkspacePage,
    workspaces: Workspace
);

list_query!(
    /// Which workspaces to list.
    WorkspaceQuery {
        /// Only with this text in the name or root, whatever the case.
        #[param(max_length = 200)]
        q: String,
    }
);

/// A workspace to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkspace {
    /// The name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9 ._-]+$")]
    pub name: String,
    /// The absolute path of the directory on the server's host.
    #[schema(min_length = 1, max_length = 4096, pattern = r"^/[^\u0000]*$")]
    pub root: String,
}

/// What to change of a workspace; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WorkspaceChange {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9 ._-]+$")]
    pub name: Option<String>,
    /// The new retention rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<RetentionRules>,
}
