//! Upgrades of dependencies.

use backstay_model::{OperationId, SnapshotId, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use super::operation::CannotRestore;

/// What to upgrade, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpgradeRequest {
    /// The dependency; `None` for all that have something newer, at one commit point.
    pub dependency: Option<String>,
    /// The ref to move to; `None` for the newest declared change.
    pub to: Option<String>,
    /// Run no migration.
    pub skip_migration: bool,
    /// Run no check.
    pub skip_verify: bool,
    /// Run the check of every change and not only that of the last one.
    pub verify_each: bool,
    /// Move to a ref that is not declared as a change.
    pub allow_undeclared: bool,
    /// Move to a commit that is not newer.
    pub allow_downgrade: bool,
    /// Keep the snapshot of the state before after a success.
    pub keep_snapshot: bool,
    /// Make a snapshot of the tree in which a command failed.
    pub keep_failed: bool,
    /// Run the commands in the workspace itself instead of a private copy.
    pub in_place: bool,
    /// Fetch nothing.
    pub offline: bool,
    /// Leave the git index alone.
    pub no_stage: bool,
    /// How long a migration may take, in seconds; 0 for ever.
    pub migration_timeout_s: Option<u64>,
    /// How long a check may take, in seconds; 0 for ever.
    pub verify_timeout_s: Option<u64>,
    /// How long a command may take of which nothing else is said, in milliseconds; 0 for ever.
    pub default_timeout_ms: Option<u64>,
}

/// A ref and the commit that it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefCommit {
    /// The ref.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The commit.
    pub commit: String,
}

/// One dependency that an upgrade moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeMove {
    /// The dependency.
    pub dependency: String,
    /// Where it is.
    pub from: RefCommit,
    /// Where it goes.
    pub to: RefCommit,
    /// The changes on the way, in the order in which their migrations run.
    pub changes: Vec<UpgradeChange>,
    /// Declared refs that mean no commit.
    pub unresolvable: Vec<String>,
}

/// A declared change on the way, with the names of its commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeChange {
    /// Its ref.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The command that migrates to it.
    pub migration: Option<String>,
    /// The command that checks it.
    pub verify: Option<String>,
}

/// The state that a plan was made for, as digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeDigests {
    /// Of `graft.yaml`.
    pub yaml: Option<String>,
    /// Of `graft.lock`.
    pub lock: Option<String>,
    /// The commits that the index has for the dependencies.
    pub gitlink: Option<String>,
    /// The commit of the workspace's repository.
    pub head: Option<String>,
}

/// What an upgrade would do. Nothing was changed or run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradePlan {
    /// The id to execute it with, valid until `expires_at` and while nothing that it was made for changes.
    pub plan_id: String,
    /// The workspace.
    pub source: SourceId,
    /// The state that the plan was made for.
    pub state_serial: u64,
    /// The same in detail.
    pub digests: UpgradeDigests,
    /// What was asked for.
    pub request: UpgradeRequest,
    /// Where the dependency is, when one was asked for.
    pub at: Option<RefCommit>,
    /// What moves; empty when everything is where it should be.
    pub moves: Vec<UpgradeMove>,
    /// Until when it can be executed.
    pub expires_at: Timestamp,
}

/// One command that an upgrade ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeStep {
    /// The dependency.
    pub dependency: String,
    /// The change.
    pub change: String,
    /// `migration` or `verify`.
    pub kind: String,
    /// The name of the command.
    pub name: String,
    /// Its exit code; `None` when it did not end by itself.
    pub exit_code: Option<i32>,
    /// How long it ran, in milliseconds.
    pub duration_ms: u64,
    /// Whether it was over its limit.
    pub timed_out: bool,
}

/// How many paths an upgrade changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathCounts {
    /// New ones.
    pub added: u64,
    /// Changed ones.
    pub modified: u64,
    /// Removed ones.
    pub deleted: u64,
}

/// What was put back after a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// Whether everything is as it was.
    pub complete: bool,
    /// How many paths were put back.
    pub restored: u64,
    /// What could not be put back.
    pub failed: Vec<CannotRestore>,
}

/// How an upgrade ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeReport {
    /// The operation; `None` when nothing had to be done.
    pub operation_id: Option<OperationId>,
    /// The dependency, when it is one.
    pub dependency: Option<String>,
    /// Where it was.
    pub from: Option<RefCommit>,
    /// Where it went, or was to go.
    pub to: Option<RefCommit>,
    /// All of them, when it was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<UpgradeMove>,
    /// Whether everything is as asked.
    pub success: bool,
    /// Whether the workspace was changed.
    pub changed: bool,
    /// The snapshot of the state before, when it is kept.
    pub snapshot_id: Option<SnapshotId>,
    /// The snapshot of the tree in which a command failed, when one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_snapshot_id: Option<SnapshotId>,
    /// The state of the workspace now.
    pub state_serial: u64,
    /// The commands that ran.
    pub steps: Vec<UpgradeStep>,
    /// How many paths were changed.
    pub changed_paths: PathCounts,
    /// What was put back after a failure.
    pub rollback: Option<Rollback>,
    /// What cannot be put back, or was not applied.
    pub not_restored: Vec<CannotRestore>,
    /// Declared refs that mean no commit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolvable: Vec<String>,
    /// Entries of an older lock that the new one has no place for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// The git index was left alone, because `graft.yaml` or `graft.lock` had edits that were not staged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_staged: bool,
    /// Interrupted operations that were ended first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovered: Vec<OperationId>,
    /// Why it failed.
    pub error: Option<String>,
    /// The stable word of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Something a person who waits for an upgrade wants to see at once. One line of the kept output of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum UpgradeEvent {
    /// An interrupted operation was ended first.
    Recovered {
        /// The operation.
        operation: OperationId,
    },
    /// A command begins.
    Started {
        /// Its number, counted from 0.
        step: usize,
        /// The dependency.
        dependency: String,
        /// The change.
        change: String,
        /// `migration` or `verify`.
        kind: String,
        /// The name of the command.
        name: String,
    },
    /// A command wrote something.
    Output {
        /// Its number.
        step: usize,
        /// `stdout` or `stderr`.
        stream: String,
        /// What it wrote; bytes that are not UTF-8 became U+FFFD.
        text: String,
    },
    /// Output is no longer kept, because it is too much.
    Truncated {
        /// The number of the command.
        step: usize,
    },
    /// A command ended.
    Ended {
        /// Its number.
        step: usize,
        /// Its exit code; `None` when it did not end by itself.
        exit_code: Option<i32>,
        /// How long it ran, in milliseconds.
        duration_ms: u64,
        /// Whether it was over its limit.
        timed_out: bool,
    },
    /// The upgrade ended.
    Finished {
        /// How.
        report: Box<UpgradeReport>,
    },
}
