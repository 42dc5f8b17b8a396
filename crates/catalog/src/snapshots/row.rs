//! The row of a snapshot.

use backstay_model::{
    Actor, Kind, OperationId, SnapshotId, SnapshotState, SourceId, TenantId, Timestamp, Trigger,
};
use serde_json::Value as Json;

use crate::error::Result;
use crate::sql::{Fields, Record};

/// A snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRow {
    /// When it was created. No two snapshots of a catalog have the same time: it is moved by microseconds.
    pub created_at: Timestamp,
    /// Its id.
    pub id: SnapshotId,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Of which source it is.
    pub source: SourceId,
    /// The kind of the source.
    pub kind: Kind,
    /// Where it is in its life.
    pub state: SnapshotState,
    /// Why it was taken.
    pub trigger: Trigger,
    /// Whether at least one hold forbids its deletion.
    pub pinned: bool,
    /// A name that its kind gave it.
    pub name: Option<String>,
    /// A label that a person gave it.
    pub label: Option<String>,
    /// A description.
    pub description: Option<String>,
    /// When it became ready or failed.
    pub finished_at: Option<Timestamp>,
    /// The snapshot that it was compared with while it was captured.
    pub parent: Option<SnapshotId>,
    /// The group capture of which it is a member.
    pub group: Option<String>,
    /// The operation that took it.
    pub operation: Option<OperationId>,
    /// The id of its manifest in the repository.
    pub manifest_id: Option<String>,
    /// The id of its root tree in the repository.
    pub tree_id: Option<String>,
    /// The size of its content.
    pub logical_bytes: u64,
    /// How much of the content was new, before compression.
    pub added_bytes: u64,
    /// How much it added to the repository, compressed and sealed.
    pub stored_bytes: u64,
    /// Files, directories and so on.
    pub counts: Json,
    /// How many warnings there were.
    pub warning_count: u64,
    /// The warnings, or the first of them.
    pub warnings: Json,
    /// Whether something could not be captured.
    pub partial: bool,
    /// Particulars of its kind.
    pub attributes: Json,
    /// Who asked for it.
    pub created_by: Actor,
    /// Why it failed.
    pub failure: Option<String>,
    /// Who is capturing it.
    pub lease_owner: Option<String>,
    /// Until when the capture must have shown that it is alive.
    pub lease_expires_at: Option<Timestamp>,
    /// Who deleted it, when and why.
    pub tombstone: Option<Tombstone>,
    /// When its content was last read back.
    pub verified_at: Option<Timestamp>,
    /// What was found damaged then.
    pub damage: Option<String>,
}

/// What remains of a deleted snapshot besides its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// When it was deleted.
    pub at: Timestamp,
    /// Who deleted it.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// A snapshot whose capture begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// When it is created; moved to the next free microsecond when another snapshot has this time.
    pub created_at: Timestamp,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// Of which source it is.
    pub source: SourceId,
    /// The kind of the source.
    pub kind: Kind,
    /// Why it is taken.
    pub trigger: Trigger,
    /// A name that its kind gives it.
    pub name: Option<String>,
    /// A label that a person gives it.
    pub label: Option<String>,
    /// A description.
    pub description: Option<String>,
    /// The snapshot that it is compared with.
    pub parent: Option<SnapshotId>,
    /// The group capture of which it is a member.
    pub group: Option<String>,
    /// The operation that takes it.
    pub operation: Option<OperationId>,
    /// Particulars of its kind.
    pub attributes: Json,
    /// Who asked for it.
    pub created_by: Actor,
    /// Who captures it.
    pub lease_owner: String,
    /// Until when the capture must show that it is alive.
    pub lease_expires_at: Timestamp,
}

/// What a finished capture found.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotContent {
    /// The id of the manifest in the repository.
    pub manifest_id: String,
    /// The id of the root tree in the repository.
    pub tree_id: Option<String>,
    /// The size of the content.
    pub logical_bytes: u64,
    /// How much of the content was new, before compression.
    pub added_bytes: u64,
    /// How much it added to the repository.
    pub stored_bytes: u64,
    /// Files, directories and so on.
    pub counts: Json,
    /// How many warnings there were.
    pub warning_count: u64,
    /// The warnings, or the first of them.
    pub warnings: Json,
    /// Whether something could not be captured.
    pub partial: bool,
    /// Particulars of its kind; `None` keeps those of the start.
    pub attributes: Option<Json>,
}

pub(crate) const COLUMNS: &str = "id, created_at, tenant_id, source_id, kind, state, cause, pinned, name, label, \
     description, finished_at, parent_id, group_id, operation_id, manifest_id, tree_id, logical_bytes, added_bytes, \
     stored_bytes, counts, warning_count, warnings, partial, attributes, created_by, failure, lease_owner, \
     lease_expires_at, deleted_at, deleted_by, deleted_reason, verified_at, damage";

impl Record for SnapshotRow {
    const TABLE: &'static str = "snapshots";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            created_at: fields.time()?,
            tenant: fields.parsed()?,
            source: fields.parsed()?,
            kind: fields.parsed()?,
            state: fields.parsed()?,
            trigger: fields.parsed()?,
            pinned: fields.flag()?,
            name: fields.optional_text()?,
            label: fields.optional_text()?,
            description: fields.optional_text()?,
            finished_at: fields.optional_time()?,
            parent: fields.optional_parsed()?,
            group: fields.optional_text()?,
            operation: fields.optional_parsed()?,
            manifest_id: fields.optional_text()?,
            tree_id: fields.optional_text()?,
            logical_bytes: fields.count()?,
            added_bytes: fields.count()?,
            stored_bytes: fields.count()?,
            counts: fields.json()?,
            warning_count: fields.count()?,
            warnings: fields.json()?,
            partial: fields.flag()?,
            attributes: fields.json()?,
            created_by: fields.json()?,
            failure: fields.optional_text()?,
            lease_owner: fields.optional_text()?,
            lease_expires_at: fields.optional_time()?,
            tombstone: {
                let at = fields.optional_time()?;
                let by = fields.optional_json()?;
                let reason = fields.optional_text()?;
                at.zip(by).map(|(at, by)| Tombstone { at, by, reason: reason.unwrap_or_default() })
            },
            verified_at: fields.optional_time()?,
            damage: fields.optional_text()?,
        })
    }
}
