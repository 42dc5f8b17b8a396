//! Snapshots and holds.

use std::collections::BTreeMap;

use backstay_model::{
    Actor, HoldId, Kind, OperationId, SnapshotId, SnapshotState, SourceId, TaskId, TenantId, Timestamp,
    Trigger,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TrainingSnapshot;

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The id.
    pub id: SnapshotId,
    /// The kind of its source.
    pub kind: Kind,
    /// Its source.
    pub source: SourceId,
    /// The name of the source.
    pub source_name: String,
    /// The tenant of the source.
    pub tenant: TenantId,
    /// Where it is in its life.
    pub state: SnapshotState,
    /// Why it failed or was deleted.
    pub state_reason: Option<String>,
    /// Why it was taken.
    pub trigger: Trigger,
    /// The label, possibly empty.
    pub label: String,
    /// The description, possibly empty.
    pub description: String,
    /// When the capture began.
    pub created_at: Timestamp,
    /// When it became ready or failed.
    pub completed_at: Option<Timestamp>,
    /// Who asked for it.
    pub actor: Actor,
    /// The captured paths, relative to the root; empty for all.
    pub scope: Vec<String>,
    /// How many entries it has.
    pub counts: Counts,
    /// The captured bytes.
    pub logical_bytes: u64,
    /// The bytes that the repository grew by.
    pub added_bytes: u64,
    /// Whether something could not be captured.
    pub partial: bool,
    /// How many warnings there are.
    pub warning_count: u64,
    /// What could not be done as asked; empty in lists.
    pub warnings: Vec<SnapshotWarning>,
    /// Whether a pin is on it.
    pub pinned: bool,
    /// How many holds are in force, the pin among them.
    pub holds: u64,
    /// The operation that took it.
    pub operation: Option<OperationId>,
    /// The group capture that it is a member of.
    pub group: Option<String>,
    /// When it was verified last.
    pub verified_at: Option<Timestamp>,
    /// Whether the last verification found damage.
    pub damaged: bool,
    /// What the kind of the source has to tell; empty in lists.
    pub attributes: BTreeMap<String, Value>,
    /// Of a run of training, what is particular to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Box<TrainingSnapshot>>,
}

/// How many entries of each kind a snapshot has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Regular files.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of files that have several.
    pub hard_links: u64,
    /// Entries that are noted and not captured.
    pub skipped: u64,
}

/// Something that a capture could not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotWarning {
    /// The bytes of the path relative to the root.
    pub path: Vec<u8>,
    /// A stable word, for example `changed_while_read`.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
}

/// What to capture, and how to call it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewSnapshot {
    /// The label, at most 200 characters.
    pub label: String,
    /// The description, at most 2000 characters.
    pub description: String,
    /// Only these paths relative to the root; empty for all.
    pub paths: Vec<String>,
    /// Further patterns in the language of gitignore.
    pub excludes: Vec<String>,
    /// Whether what git ignores is left out.
    pub respect_gitignore: bool,
    /// Whether `.git` is captured.
    pub with_git: bool,
    /// Whether other file systems below the root are captured.
    pub cross_mounts: bool,
    /// Whether an entry that cannot be read is noted instead of failing the capture.
    pub allow_unreadable: bool,
    /// Whether a named path may be missing: restoring the snapshot then removes what is there.
    pub allow_missing: bool,
    /// Whether a file that changes while it is read fails the capture.
    pub strict: bool,
    /// Whether to pin it.
    pub pin: bool,
    /// Why it is taken; `None` means manual.
    pub trigger: Option<Trigger>,
}

/// A capture that a worker will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedSnapshot {
    /// The snapshot, in state `creating`.
    pub id: SnapshotId,
    /// The task that captures it.
    pub task: TaskId,
}

/// What to change of a snapshot; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotChange {
    /// The new label.
    pub label: Option<String>,
    /// The new description.
    pub description: Option<String>,
}

/// Which snapshots to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only with exactly this label.
    pub label: Option<String>,
    /// Only with this text in id, label, description or source name.
    pub text: Option<String>,
    /// Only in one of these states; empty: all but deleting and deleted ones.
    pub states: Vec<SnapshotState>,
    /// Only taken for one of these reasons; empty for all.
    pub triggers: Vec<Trigger>,
    /// Only taken at or after.
    pub since: Option<Timestamp>,
    /// Only taken before.
    pub until: Option<Timestamp>,
    /// Only with, or only without, a pin.
    pub pinned: Option<bool>,
}

/// Something that forbids the deletion of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The id.
    pub id: HoldId,
    /// The held snapshot.
    pub snapshot: SnapshotId,
    /// Why.
    pub reason: String,
    /// Whether it is the pin.
    pub pin: bool,
    /// Who placed it.
    pub placed_by: Actor,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A hold to place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHold {
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// When it ends by itself; `None` means when it is released.
    pub expires_at: Option<Timestamp>,
}
