//! Dependencies of a workspace: where they are, what they declare, and what changes them.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The locked dependencies of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyList {
    /// By name.
    pub dependencies: BTreeMap<String, Dependency>,
}

/// A locked dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dependency {
    /// The locked ref.
    pub current_ref: String,
    /// The locked commit.
    pub commit: String,
    /// When it was locked.
    #[schema(value_type = String, format = DateTime)]
    pub consumed_at: Timestamp,
    /// What is newer, when that was asked for.
    #[serde(default, flatten, skip_serializing_if = "Option::is_none")]
    pub updates: Option<DependencyUpdates>,
}

/// What is newer than the locked commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyUpdates {
    /// Whether a declared change comes after it.
    pub has_update: bool,
    /// The ref of the last one.
    pub available: Option<String>,
    /// The refs of all of them, in order.
    pub pending_changes: Vec<String>,
}

/// What to tell about dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DependencyQuery {
    /// Whether to tell what is newer among what was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updates: Option<bool>,
}

/// The declared changes of a dependency in `(from, to]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyChanges {
    /// The dependency.
    pub dependency: String,
    /// After this ref; null without a lower end.
    pub from: Option<String>,
    /// Up to this ref; null for all.
    pub to: Option<String>,
    /// Ancestors first, then in the order of the file.
    pub changes: Vec<DeclaredChange>,
}

/// A declared change of a dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeclaredChange {
    /// The ref that it arrives at.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What kind it is, for example `breaking`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// The command that moves a workspace to it.
    pub migration: Option<String>,
    /// The command that checks a workspace at it.
    pub verify: Option<String>,
}

/// Which declared changes to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DependencyChangesQuery {
    /// Only of this type.
    #[param(max_length = 200)]
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only those after this ref.
    #[param(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ref: Option<String>,
    /// Only those up to this ref.
    #[param(max_length = 255)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_ref: Option<String>,
}

/// What is done to dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependencyAction {
    /// Lock and checkouts follow `graft.yaml`, all or none.
    Resolve,
    /// What the sources have is brought here; checkouts and files stay.
    Fetch,
    /// Checkouts follow `graft.lock`.
    Sync,
    /// One moves to a ref, without its migrations.
    Apply,
    /// One is declared and brought here.
    Add,
    /// One is taken out of everything.
    Remove,
    /// An old lock is mended.
    Fix,
}

/// A change of the dependencies of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDependencyChange {
    /// What is done.
    pub action: DependencyAction,
    /// The dependency. `apply`, `add` and `remove` need it; `fetch` and `sync` take all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub dependency: Option<String>,
    /// Where `apply` moves it: a tag, a branch of origin, or a commit id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255)]
    pub to: Option<String>,
    /// What `add` declares: `url#ref`. A path lies below the allowed roots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2400)]
    pub source: Option<String>,
    /// Whether to tell what would change and to change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether to fetch nothing.
    #[serde(default)]
    pub offline: bool,
    /// Whether to leave the git index alone.
    #[serde(default)]
    pub no_stage: bool,
    /// Whether to overwrite what someone changed in a checkout, and to remove what exists nowhere else.
    #[serde(default)]
    pub force: bool,
    /// Whether `resolve` takes a lock back that is ahead of `graft.yaml`.
    #[serde(default)]
    pub force_yaml: bool,
    /// Whether `add` only declares.
    #[serde(default)]
    pub no_resolve: bool,
    /// Whether `remove` leaves the files, as plain files.
    #[serde(default)]
    pub keep_files: bool,
}
