//! Dependencies of a workspace: where they are, what they declare, and what changes them.

use std::collections::BTreeMap;

use backstay_dependencies::mutate::{FetchResult, MoveState};
use backstay_dependencies::query;
pub use backstay_dependencies::query::{
    Checked as FileValidation, CommandDetail as ChangeCommand, IntegrityResult,
    Report as DependencyValidation, Shown as ShownChange, Tree as DependencyTree, What as Validated,
};
use backstay_model::{OperationId, Timestamp};
use serde::{Deserialize, Serialize};

/// The locked dependencies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DependencyList {
    /// By name.
    pub dependencies: BTreeMap<String, Dependency>,
}

/// A locked dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The locked ref.
    pub current_ref: String,
    /// The locked commit.
    pub commit: String,
    /// When it was locked.
    pub consumed_at: Timestamp,
    /// What is newer, when that was asked for.
    pub updates: Option<DependencyUpdates>,
}

/// What is newer than the locked commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyUpdates {
    /// There is a declared change after it.
    pub has_update: bool,
    /// The last one.
    pub available: Option<String>,
    /// All of them, in order.
    pub pending_changes: Vec<String>,
}

/// The declared changes of a dependency in `(from, to]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyChanges {
    /// The dependency.
    pub dependency: String,
    /// After this ref.
    pub from: Option<String>,
    /// Up to this ref.
    pub to: Option<String>,
    /// Ancestors first, then in the order of the file.
    pub changes: Vec<DeclaredChange>,
}

/// A declared change of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredChange {
    /// The ref that it arrives at.
    pub reference: String,
    /// What kind it is, for example `breaking`.
    pub kind: Option<String>,
    /// One sentence.
    pub description: Option<String>,
    /// The command that moves a workspace to it.
    pub migration: Option<String>,
    /// The command that checks a workspace at it.
    pub verify: Option<String>,
}

/// Which declared changes to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DependencyChangeFilter {
    /// Only of this type.
    pub kind: Option<String>,
    /// Only those after this ref.
    pub from: Option<String>,
    /// Only those up to this ref.
    pub to: Option<String>,
}

/// What is done to dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyAction {
    /// Lock and checkouts follow `graft.yaml`.
    Resolve,
    /// What the sources have is brought here; checkouts and files stay.
    Fetch,
    /// Checkouts follow the lock.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDependencyChange {
    /// What is done.
    pub action: DependencyAction,
    /// The dependency. `apply`, `add` and `remove` need it; `fetch` and `sync` take all without it.
    #[serde(default)]
    pub dependency: Option<String>,
    /// Where `apply` moves it.
    #[serde(default)]
    pub to: Option<String>,
    /// What `add` declares: `url#ref`.
    #[serde(default)]
    pub source: Option<String>,
    /// Compute the change and do not make it. Stores that are there already may be fetched into.
    #[serde(default)]
    pub dry_run: bool,
    /// Fetch nothing.
    #[serde(default)]
    pub offline: bool,
    /// Leave the git index alone.
    #[serde(default)]
    pub no_stage: bool,
    /// Overwrite what someone changed in a checkout; remove what exists nowhere else.
    #[serde(default)]
    pub force: bool,
    /// `resolve` takes a lock back that is ahead of `graft.yaml`.
    #[serde(default)]
    pub force_yaml: bool,
    /// `add` only declares.
    #[serde(default)]
    pub no_resolve: bool,
    /// `remove` leaves the files, as plain files.
    #[serde(default)]
    pub keep_files: bool,
}

impl NewDependencyChange {
    /// `action` as it is usually done.
    pub const fn of(action: DependencyAction) -> Self {
        Self {
            action,
            dependency: None,
            to: None,
            source: None,
            dry_run: false,
            offline: false,
            no_stage: false,
            force: false,
            force_yaml: false,
            no_resolve: false,
            keep_files: false,
        }
    }
}

/// A change of dependencies that was made, or that would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyReport {
    /// What was done.
    pub action: DependencyAction,
    /// What became of each dependency.
    pub dependencies: Vec<DependencyResult>,
    /// Whether the workspace was changed, or would be.
    pub changed: bool,
    /// Nothing was done.
    pub dry_run: bool,
    /// Entries that `graft.lock` had and has no more.
    pub dropped: Vec<String>,
    /// What should be looked at in `graft.yaml`.
    pub warnings: Vec<String>,
    /// The index was left alone because `graft.yaml` or `graft.lock` has edits that are not staged.
    pub not_staged: bool,
    /// What someone else changed meanwhile and was left so.
    pub not_applied: Vec<String>,
    /// Interrupted operations that were ended first.
    pub recovered: Vec<OperationId>,
    /// The operation; `None` when nothing had to be done.
    pub operation_id: Option<OperationId>,
    /// The state of the workspace now.
    pub state_serial: u64,
}

/// What became of one dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyResult {
    /// Its name.
    pub name: String,
    /// The ref it is at.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The commit it is at.
    pub commit: Option<String>,
    /// What was done.
    pub state: DependencyState,
    /// Why it could not be.
    pub error: Option<String>,
}

/// What was done to a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyState {
    /// It was not there and is checked out now.
    Cloned,
    /// It was at another commit.
    CheckedOut,
    /// Nothing had to be done.
    UpToDate,
    /// It was fetched.
    Fetched,
    /// It would be fetched.
    WouldFetch,
    /// There is nothing to fetch into.
    NotCloned,
    /// It was declared and not brought here.
    Declared,
    /// It was removed.
    Removed,
    /// Its entry in the lock was mended.
    Fixed,
    /// It could not be done.
    Failed,
}

impl From<MoveState> for DependencyState {
    fn from(state: MoveState) -> Self {
        match state {
            MoveState::Cloned => Self::Cloned,
            MoveState::CheckedOut => Self::CheckedOut,
            MoveState::UpToDate => Self::UpToDate,
        }
    }
}

impl From<FetchResult> for DependencyState {
    fn from(result: FetchResult) -> Self {
        match result {
            FetchResult::Fetched => Self::Fetched,
            FetchResult::WouldFetch => Self::WouldFetch,
            FetchResult::NotCloned => Self::NotCloned,
        }
    }
}

impl From<query::Status> for DependencyList {
    fn from(status: query::Status) -> Self {
        let entry = |entry: query::StatusEntry| Dependency {
            current_ref: entry.current_ref.to_string(),
            commit: entry.commit.to_string(),
            consumed_at: entry.consumed_at,
            updates: entry.updates.map(|updates| DependencyUpdates {
                has_update: updates.has_update,
                available: updates.available.map(|available| available.to_string()),
                pending_changes: updates.pending_changes.iter().map(ToString::to_string).collect(),
            }),
        };
        let entries = status.dependencies.into_iter();
        Self { dependencies: entries.map(|(name, found)| (name.to_string(), entry(found))).collect() }
    }
}

impl From<query::ChangeList> for DependencyChanges {
    fn from(list: query::ChangeList) -> Self {
        let changes = list.changes.into_iter().map(|change| DeclaredChange {
            reference: change.reference.to_string(),
            kind: change.kind,
            description: change.description,
            migration: change.migration,
            verify: change.verify,
        });
        Self {
            dependency: list.dependency.to_string(),
            from: list.from.map(|from| from.to_string()),
            to: list.to.map(|to| to.to_string()),
            changes: changes.collect(),
        }
    }
}
