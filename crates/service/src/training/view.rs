//! Runs and snapshots of training as callers see them.

use std::collections::BTreeMap;

use backstay_catalog::{Paging, Session, SnapshotFilter, SnapshotRow, SourceRow, Total};
use backstay_model::SnapshotState;
use backstay_source_training::stored::TrainingAttributes;

use super::settings::RunSettings;
use crate::error::Result;
use crate::view::{TrainingRun, TrainingSnapshot};

/// What the manifest told of the snapshot.
pub(super) fn attributes_of(row: &SnapshotRow) -> TrainingAttributes {
    let map: BTreeMap<String, serde_json::Value> =
        serde_json::from_value(row.attributes.clone()).unwrap_or_default();
    TrainingAttributes::from_map(&map)
}

/// The length of the HDF5 file of a snapshot.
pub(crate) fn file_bytes(row: &SnapshotRow) -> u64 {
    attributes_of(row).file_bytes
}

/// A snapshot of a run of this name.
pub(crate) fn snapshot(row: SnapshotRow, run_name: &str) -> TrainingSnapshot {
    let about = attributes_of(&row);
    TrainingSnapshot {
        label: row.label.unwrap_or_default(),
        description: row.description.unwrap_or_default(),
        timestamp: row.created_at,
        size_bytes: about.file_bytes,
        added_bytes: row.stored_bytes,
        state: row.state,
        state_reason: row.failure,
        run_id: row.source,
        run_name: run_name.to_owned(),
        epoch: about.epoch,
        phase: about.phase,
        status: about.status,
        hidden_units: about.hidden_units,
        metrics: about.metrics,
        trigger: row.trigger.as_str().to_owned(),
        exact: about.exact,
        missing: about.missing,
        pinned: row.pinned,
        damaged: row.damage.is_some(),
        sha256: about.sha256,
        id: row.id,
    }
}

/// A snapshot with the name of its run.
pub(super) async fn named(read: &mut Session, row: SnapshotRow) -> Result<TrainingSnapshot> {
    let name = read.source(&row.source).await?.map(|source| source.name);
    Ok(snapshot(row, &name.unwrap_or_default()))
}

/// The snapshot that a run goes on from: the one that it was restored to, else its newest.
pub(super) async fn head(read: &mut Session, run: &SourceRow) -> Result<Option<SnapshotRow>> {
    if let Some(restored) = RunSettings::of(run)?.restored
        && let Some(row) = read.snapshot(&restored).await?.filter(|row| row.state == SnapshotState::Ready)
    {
        return Ok(Some(row));
    }
    Ok(read.newest_ready(&run.id, 1).await?.into_iter().next())
}

/// A run with its newest snapshot and its head.
pub(super) async fn run(read: &mut Session, row: SourceRow) -> Result<TrainingRun> {
    let settings = RunSettings::of(&row)?;
    let filter = SnapshotFilter {
        source: Some(row.id.clone()),
        states: vec![SnapshotState::Ready],
        ..SnapshotFilter::default()
    };
    let paging = Paging { limit: 1, total: Total::Exact, ..Paging::default() };
    let page = read.list_snapshots(&filter, &paging).await?;
    let newest = page.items.into_iter().next().map(|newest| snapshot(newest, &row.name));
    let head = match &settings.restored {
        Some(_) => match head(read, &row).await? {
            // A fork may have been taken back to its origin.
            Some(head) if head.source != row.id => Some(named(read, head).await?),
            head => head.map(|head| snapshot(head, &row.name)),
        },
        None => newest.clone(),
    };
    Ok(TrainingRun {
        parent_snapshot_id: settings.parent_snapshot_id,
        params: settings.params,
        keep: settings.keep,
        auto: settings.auto,
        serial: row.state_serial,
        created_at: row.created_at,
        snapshots: page.total,
        newest,
        head,
        name: row.name,
        id: row.id,
    })
}
