//! What maintenance reports.

use backstay_model::retention::Decision;
use backstay_model::{Kind, OperationId, SnapshotId, SourceId, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a prune decided, and whether it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneResult {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// A decision per snapshot, newest first.
    pub decisions: Vec<Decision>,
    /// How many are kept.
    pub kept: u64,
    /// How many are, or would be, deleted.
    pub removed: u64,
    /// The task that deletes, when a worker does.
    pub task: Option<TaskId>,
}

/// What to verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyScope {
    /// Everything in the repository; for superadmins and local use.
    All,
    /// These snapshots.
    Snapshots(Vec<SnapshotId>),
}

/// How much to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyDepth {
    /// Trees and index, no content.
    #[default]
    Structure,
    /// So many percent of the content, 1 to 100.
    Sample(u8),
    /// Every byte.
    Full,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Whether everything that was looked at is as it should be.
    pub healthy: bool,
    /// How many snapshots were looked at.
    pub snapshots: u64,
    /// How many blocks of chunks were read, opened and hashed.
    pub chunks: u64,
    /// How many bytes were read.
    pub bytes_read: u64,
    /// What is damaged.
    pub damage: Vec<DamageReport>,
    /// How restores into a scratch directory went, when they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore_tests: Vec<RestoreTest>,
}

/// How a restore into a scratch directory went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreTest {
    /// The snapshot.
    #[serde(rename = "snapshot_id")]
    pub snapshot: SnapshotId,
    /// Whether everything came out as it was captured.
    pub identical: bool,
    /// What differs, one sentence each, at most the first 1000.
    pub differences: Vec<String>,
}

/// One damaged thing, and what is lost by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageReport {
    /// The object or chunk.
    pub object: String,
    /// What is wrong with it.
    pub reason: String,
    /// The snapshot that loses by it, when it is known.
    pub snapshot: Option<SnapshotId>,
    /// The lost paths of that snapshot, as text, at most the first 1000.
    pub lost_paths: Vec<String>,
}

/// What a collection did. It works in two phases: what it marks now, a collection after the grace period removes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectReport {
    /// Packs marked for removal.
    pub packs_marked: u64,
    /// Their bytes.
    pub bytes_marked: u64,
    /// Packs that were marked earlier and whose grace period is not over.
    pub packs_waiting: u64,
    /// Packs removed now.
    pub packs_removed: u64,
    /// Bytes removed now.
    pub bytes_removed: u64,
    /// Packs written anew because much of their content was unused.
    pub packs_rewritten: u64,
    /// Bytes that nothing references and that stay, because writing their packs anew would cost more than it frees.
    pub unused_bytes: u64,
}

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepairReport {
    /// Whether nothing is damaged any more.
    pub healthy: bool,
    /// Packs that were entered into the index again.
    pub packs_indexed: u64,
    /// Damaged packs that were taken out of use.
    pub packs_dropped: u64,
    /// Bytes that were saved from damaged packs.
    pub saved_bytes: u64,
    /// Snapshots of which lost content was taken from the other repository.
    pub snapshots_healed: u64,
    /// What remains damaged.
    pub remaining: Vec<DamageReport>,
}

/// What a copy to another repository did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyReport {
    /// Snapshots copied.
    pub copied: u64,
    /// Snapshots that were there already.
    pub present: u64,
    /// Bytes of content copied.
    pub bytes: u64,
}

/// What `rebuild_catalog` did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RebuildReport {
    /// Manifests read.
    pub manifests: u64,
    /// Sources created.
    pub sources: u64,
    /// Snapshots created.
    pub snapshots: u64,
    /// Checkpoints of jobs created, of states that lie in the repository.
    pub checkpoints: u64,
    /// Channel values of jobs that are in the repository and belong to no checkpoint: their checkpoints were in the catalog alone.
    pub lone_values: u64,
    /// Manifests that could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// What `reconcile` did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconcileReport {
    /// Snapshots whose manifest the catalog did not know; now it does.
    pub adopted: Vec<SnapshotId>,
    /// Snapshots that were ready and whose manifest is gone; now they are marked as damaged.
    pub missing: Vec<SnapshotId>,
    /// Captures whose lease had run out; now they are failed, or ready when their manifest was complete.
    pub closed: Vec<SnapshotId>,
    /// Deletions that had been interrupted; now they are complete.
    pub deleted: Vec<SnapshotId>,
    /// How many contents of jobs were removed from the repository because their saves had not ended.
    pub removed_contents: u64,
    /// Manifests that could not be read, with the reason.
    pub unreadable: Vec<String>,
}

/// What `recover` did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverReport {
    /// Operations that were finished.
    pub rolled_forward: Vec<OperationId>,
    /// Operations whose changes were taken back.
    pub rolled_back: Vec<OperationId>,
    /// Captures that were closed as failed.
    pub closed_snapshots: Vec<SnapshotId>,
}

/// How much is kept and what it costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Snapshots that can be restored.
    pub snapshots: u64,
    /// Sources.
    pub sources: u64,
    /// The bytes of all snapshots, as if each were kept whole.
    pub logical_bytes: u64,
    /// The bytes after deduplication, before compression; `None` for one tenant of several, since chunks are shared.
    pub deduplicated_bytes: Option<u64>,
    /// The bytes in the repository; `None` for one tenant of several.
    pub stored_bytes: Option<u64>,
    /// The sources, largest first, at most 100.
    pub by_source: Vec<SourceStatistics>,
    /// What was added each day, oldest first, at most 366.
    pub growth: Vec<Growth>,
}

/// How much of it is one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatistics {
    /// The source.
    pub source: SourceId,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Snapshots that can be restored.
    pub snapshots: u64,
    /// The bytes of its snapshots, as if each were kept whole.
    pub logical_bytes: u64,
    /// The bytes that its snapshots added to the repository when they were taken.
    pub added_bytes: u64,
    /// When its newest snapshot was taken.
    pub newest_at: Option<Timestamp>,
}

/// What was added on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// The day in UTC, `YYYY-MM-DD`.
    pub day: String,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Bytes added to the repository.
    pub added_bytes: u64,
}

/// A key of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// The id.
    pub id: String,
    /// `password` or `key_file`.
    pub kind: String,
    /// Its label.
    pub label: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// Whether the repository was opened with it just now.
    pub current: bool,
}
