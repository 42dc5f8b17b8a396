//! Snapshots, holds and entries as callers see them.

use std::collections::{BTreeMap, HashMap};

use backstay_catalog::{HoldRow, Session, SnapshotRow};
use backstay_model::{Kind, SourceId, Timestamp};
use backstay_repository as repository;
use backstay_source_workspace::{EntryKind as StoredKind, WorkspaceAttributes};

use crate::error::Result;
use crate::training::{file_bytes, training_view};
use crate::view::{Counts, Entry, EntryKind, Hold, Snapshot, SnapshotWarning};

/// A snapshot as it stands in a list: without warnings and attributes.
pub(crate) fn listed(row: SnapshotRow, source_name: String) -> Snapshot {
    let holds = u64::from(row.pinned);
    let scope = if row.kind == Kind::Workspace { scope_of(&row) } else { Vec::new() };
    let training = (row.kind == Kind::Training).then(|| Box::new(training_view(row.clone(), &source_name)));
    Snapshot {
        kind: row.kind,
        source: row.source,
        source_name,
        tenant: row.tenant,
        state: row.state,
        state_reason: match &row.tombstone {
            Some(tombstone) => Some(tombstone.reason.clone()).filter(|reason| !reason.is_empty()),
            None => row.failure,
        },
        trigger: row.trigger,
        label: row.label.unwrap_or_default(),
        description: row.description.unwrap_or_default(),
        created_at: row.created_at,
        completed_at: row.finished_at,
        actor: row.created_by,
        scope,
        counts: serde_json::from_value(row.counts).unwrap_or_default(),
        logical_bytes: row.logical_bytes,
        added_bytes: row.stored_bytes,
        partial: row.partial,
        warning_count: row.warning_count,
        warnings: Vec::new(),
        pinned: row.pinned,
        holds,
        operation: row.operation,
        group: row.group,
        verified_at: row.verified_at,
        damaged: row.damage.is_some(),
        attributes: BTreeMap::new(),
        training,
        id: row.id,
    }
}

/// A snapshot with all that is known of it.
pub(crate) async fn detailed(read: &mut Session, row: SnapshotRow, now: Timestamp) -> Result<Snapshot> {
    let source_name = read.source(&row.source).await?.map(|source| source.name).unwrap_or_default();
    let holds = read.holds_of(&row.id).await?;
    let in_force = holds.iter().filter(|hold| hold.until.is_none_or(|until| until > now));
    let warnings: Vec<repository::CaptureWarning> =
        serde_json::from_value(row.warnings.clone()).unwrap_or_default();
    let attributes = serde_json::from_value(row.attributes.clone()).unwrap_or_default();
    let pinned = holds.iter().any(|hold| hold.pin);
    Ok(Snapshot {
        warnings: warnings.iter().map(warning).collect(),
        attributes,
        pinned,
        holds: in_force.count() as u64,
        ..listed(row, source_name)
    })
}

/// A page of snapshots with the names of their sources.
pub(crate) async fn named(read: &mut Session, rows: Vec<SnapshotRow>) -> Result<Vec<Snapshot>> {
    let mut ids: Vec<SourceId> = rows.iter().map(|row| row.source.clone()).collect();
    ids.sort();
    ids.dedup();
    let names: HashMap<SourceId, String> = read.source_names(&ids).await?.into_iter().collect();
    Ok(rows
        .into_iter()
        .map(|row| {
            let name = names.get(&row.source).cloned().unwrap_or_default();
            listed(row, name)
        })
        .collect())
}

fn warning(warning: &repository::CaptureWarning) -> SnapshotWarning {
    SnapshotWarning { path: warning.path_bytes(), code: warning.code.clone(), detail: warning.detail.clone() }
}

/// The size of a snapshot as people are told it: of training, that of its file.
pub(super) fn shown_bytes(row: &SnapshotRow) -> u64 {
    if row.kind == Kind::Training { file_bytes(row) } else { row.logical_bytes }
}

/// The named paths of a workspace's snapshot, as text.
pub(crate) fn scope_of(row: &SnapshotRow) -> Vec<String> {
    let attributes: BTreeMap<String, serde_json::Value> =
        serde_json::from_value(row.attributes.clone()).unwrap_or_default();
    let scope = WorkspaceAttributes::from_map(&attributes).scope;
    scope.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

pub(crate) fn counts(counts: repository::Counts) -> Counts {
    Counts {
        files: counts.files,
        directories: counts.directories,
        symlinks: counts.symlinks,
        hard_links: counts.hard_links,
        skipped: counts.skipped,
    }
}

pub(crate) fn hold(row: HoldRow) -> Hold {
    Hold {
        id: row.id,
        snapshot: row.snapshot,
        reason: row.reason,
        pin: row.pin,
        placed_by: row.created_by,
        created_at: row.created_at,
        expires_at: row.until,
    }
}

pub(crate) fn entry(path: Vec<u8>, stored: &repository::Entry) -> Entry {
    Entry {
        path,
        kind: entry_kind(StoredKind::of(stored)),
        size: stored.content().map_or(0, repository::Content::length),
        mode: stored.mode,
        uid: stored.uid,
        gid: stored.gid,
        mtime_ns: i128::from(stored.mtime_ns),
        target: match &stored.node {
            repository::Node::Symlink { target } => Some(target.clone()),
            _ => None,
        },
        hard_link_group: stored.hard_link,
        xattrs: stored.xattrs.iter().map(|xattr| xattr.name.clone()).collect(),
    }
}

pub(crate) const fn entry_kind(kind: StoredKind) -> EntryKind {
    match kind {
        StoredKind::File => EntryKind::File,
        StoredKind::Directory => EntryKind::Directory,
        StoredKind::Symlink => EntryKind::Symlink,
        StoredKind::Fifo => EntryKind::Fifo,
        StoredKind::Socket => EntryKind::Socket,
        StoredKind::Device => EntryKind::Device,
        StoredKind::Unreadable => EntryKind::Unreadable,
    }
}
