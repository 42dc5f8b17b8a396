//! Snapshots: one, a list, and the request for a new one.

use std::collections::BTreeMap;

use backstay_model::{Kind, SnapshotState, Timestamp, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::event::ActorRef;
use crate::page::{list_query, page};
use crate::words;

/// An immutable captured state of one source.
///
/// Every kind has these fields; what is particular to a kind stands beside them (`particulars`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Snapshot {
    /// The id; it sorts by creation for workspaces.
    #[schema(examples("snapshot-1767435330123456-k3v9q2xa"))]
    pub id: String,
    /// The kind of the source.
    #[schema(schema_with = words::kind)]
    pub kind: Kind,
    /// The name shown to people: the label, or the id without one.
    pub name: String,
    /// The given label, possibly empty.
    pub label: String,
    /// The given description, possibly empty.
    pub description: String,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// Where it is in its life. Only a `ready` one can be restored.
    #[schema(schema_with = words::snapshot_state)]
    pub state: SnapshotState,
    /// Why it was taken.
    #[schema(schema_with = words::trigger)]
    pub trigger: Trigger,
    /// The same word under the name that workspaces use.
    #[schema(schema_with = words::trigger)]
    pub reason: Trigger,
    /// The source.
    pub source_id: String,
    /// The name of the source.
    pub source_name: String,
    /// The workspace, for snapshots of that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// The tenant it belongs to.
    pub tenant_id: String,
    /// The captured bytes.
    pub size_bytes: u64,
    /// The bytes that it added to the repository.
    pub added_bytes: u64,
    /// What was counted.
    pub counts: Counts,
    /// The captured paths relative to the root; empty for all.
    pub scope: Vec<String>,
    /// Whether it is pinned. A pinned snapshot cannot be deleted.
    pub pinned: bool,
    /// How many holds forbid its deletion, the pin among them.
    pub holds: u64,
    /// Whether something could not be captured; `warnings` says what.
    pub partial: bool,
    /// When it was verified last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub verified_at: Option<Timestamp>,
    /// Whether the last verification found damage.
    pub damaged: bool,
    /// How many warnings the capture has; `warnings` lists them in the detail.
    pub warning_count: u64,
    /// What did not go as it should, in the detail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<Warning>>,
    /// The operation that took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// The group capture it is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Who took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<ActorRef>,
    /// When it became ready or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
    /// Why the capture failed, or why it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<String>,
    /// The URL of its content.
    pub path: String,
    /// Attributes that the source recorded, in the detail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, Value>>,
    /// What is particular to the kind, as fields beside the others.
    #[serde(flatten)]
    pub particulars: BTreeMap<String, Value>,
}

/// What a capture counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Regular files.
    pub files: u64,
    /// Directories, the root among them.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Names that share a file with another name.
    pub hard_links: u64,
    /// Sockets, FIFOs and devices, which are noted and not captured.
    pub skipped: u64,
}

/// Something that did not go as it should while capturing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// The path relative to the root.
    pub path: String,
    /// The bytes of the path in base64, when they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// What it is, as a stable word, for example `changed_while_read`.
    pub code: String,
    /// What it is, for a person.
    pub detail: String,
}

page!(
    /// A page of snapshots, newest first.
    SnapshotPage,
    snapshots: Snapshot
);

/// A kind, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindOrAll {
    /// Every kind.
    All,
    /// One of them.
    #[serde(untagged)]
    One(Kind),
}

/// A state, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateOrAll {
    /// Every state, deleted ones too.
    All,
    /// One of them.
    #[serde(untagged)]
    One(SnapshotState),
}

list_query!(
    /// Which snapshots to list.
    SnapshotQuery, most 500 {
        /// Only of this kind; `all`, as without it: of every kind.
        #[param(schema_with = words::kind_or_all)]
        kind: KindOrAll,
        /// Only of this source.
        #[param(min_length = 1, max_length = 128)]
        source: String,
        /// Only of this run of training, by name or id.
        #[param(min_length = 1, max_length = 128)]
        run: String,
        /// Only with exactly this label.
        #[param(max_length = 200)]
        label: String,
        /// Only with this text in the id, label, description or source name, whatever the case.
        #[param(max_length = 200)]
        q: String,
        /// Only in this state; `all`: in every one. Without it: all but deleted ones.
        #[param(schema_with = words::state_or_all)]
        state: StateOrAll,
        /// Only taken for this reason.
        #[param(schema_with = words::trigger)]
        trigger: Trigger,
        /// Only taken at or after this instant.
        #[param(value_type = Option<String>, format = DateTime)]
        since: Timestamp,
        /// Only taken before this instant.
        #[param(value_type = Option<String>, format = DateTime)]
        until: Timestamp,
        /// Only pinned, or only not pinned, ones.
        pinned: bool,
    }
);

/// What to capture and how to call it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewSnapshot {
    /// A name for people.
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f]*$")]
    pub label: String,
    /// Any text.
    #[schema(max_length = 2000, pattern = r"^[^\u0000]*$")]
    pub description: String,
    /// Only these paths relative to the root; empty for all.
    #[schema(max_items = 1000, value_type = Vec<ScopePath>)]
    pub paths: Vec<String>,
    /// Patterns in the language of gitignore that are not captured, beside those of the workspace.
    #[schema(max_items = 1000, value_type = Vec<ExcludePattern>)]
    pub excludes: Vec<String>,
    /// Whether to leave out what git ignores.
    pub respect_gitignore: bool,
    /// Whether to capture `.git`.
    pub with_git: bool,
    /// Whether to capture other file systems below the root.
    pub cross_mounts: bool,
    /// Whether to note an entry that cannot be read instead of failing.
    pub allow_unreadable: bool,
    /// Whether to fail when a file changes while it is read.
    pub strict: bool,
    /// Whether to pin it.
    pub pin: bool,
}

/// A snapshot to take of any source, as parameters of the query or as a body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct SnapshotRequest {
    /// The source; it may be left out when there is only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
    #[param(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9._-]+$")]
    pub source: Option<String>,
    /// The run whose present state is saved, by id or name; without it and without `source` the default run, where there is no workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    #[param(min_length = 1, max_length = 200)]
    pub run: Option<String>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f]*$")]
    #[param(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f]*$")]
    pub name: Option<String>,
    /// Any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, pattern = r"^[^\u0000]*$")]
    #[param(max_length = 2000, pattern = r"^[^\u0000]*$")]
    pub description: Option<String>,
    /// Seconds to wait for the end of the capture; 60 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 600)]
    #[param(minimum = 0, maximum = 600)]
    pub wait_s: Option<u32>,
}

/// A snapshot that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotTaken {
    /// The snapshot.
    #[serde(flatten)]
    pub snapshot: Snapshot,
    /// A sentence for a person.
    pub message: String,
}

/// What to change of a snapshot; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotChange {
    /// The new label.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f]*$")]
    pub label: Option<String>,
    /// The new description.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000, pattern = r"^[^\u0000]*$")]
    pub description: Option<String>,
}

/// A path relative to the root of a workspace.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 4096, pattern = r"^[^\u0000]+$")]
#[expect(dead_code, reason = "it is the schema of a list item and nothing else")]
pub struct ScopePath(String);

/// A pattern in the language of gitignore.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 4096, pattern = r"^[^\u0000\n]+$")]
#[expect(dead_code, reason = "it is the schema of a list item and nothing else")]
pub struct ExcludePattern(String);

/// The answer to a request for a new snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotAccepted {
    /// The snapshot.
    #[schema(examples("snapshot-1767435330123456-k3v9q2xa"))]
    pub id: String,
    /// Its state: `creating`, or what it became while the request waited.
    #[schema(schema_with = words::snapshot_state)]
    pub state: SnapshotState,
    /// The task that captures it.
    pub task_id: String,
}

/// How long a request may wait for the work it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WaitQuery {
    /// Seconds to wait for the end of the work before answering; 0 answers at once.
    #[param(minimum = 0, maximum = 60)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u32>,
    /// Seconds that the work waits for a lock which another operation holds; the task fails as `busy` when they are over. Without it
    /// the server tries for some minutes.
    #[param(minimum = 0, maximum = 3600)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_wait: Option<u32>,
}

/// Why a snapshot is deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// Why; it stays in the tombstone and in the audit trail.
    #[param(max_length = 500)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
