//! Saves several workspaces as one.

use std::path::PathBuf;

use backstay_api::snapshot::Snapshot;
use backstay_service::Service;
use serde::Serialize;

use super::{local, opening, wire};
use crate::context::Context;
use crate::failure::Failure;

/// A group that was saved.
#[derive(Debug, Serialize)]
pub(crate) struct SavedGroup {
    /// The name of the group.
    pub(crate) group: String,
    /// What the snapshots share as `group_id`.
    pub(crate) group_snapshot_id: String,
    /// The members' snapshots.
    pub(crate) snapshots: Vec<Snapshot>,
}

/// Saves the workspaces at `roots`, all or none, into the catalog and the repository of the workspace that the command
/// stands in.
pub(crate) async fn save(
    cx: &Context,
    name: &str,
    roots: &[PathBuf],
    label: &str,
    wait: u64,
) -> Result<SavedGroup, Failure> {
    let home = cx.workspace()?;
    let service: Service = opening::service_created(cx, &home.root).await?;
    let caller = opening::caller();
    let mut members = Vec::new();
    for root in roots {
        let source = service.ensure_workspace(&caller, root, &opening::workspace_name(root)).await?;
        members.push(source.id);
    }
    let group = service.ensure_group(&caller, name, &members).await?;
    let (run, shown) = local::run(cx, "Saving", wait);
    let saved = service.create_group_snapshot(&caller, &group.id, label, &run).await?;
    drop(shown);
    let mut snapshots = Vec::new();
    for id in &saved.snapshots {
        snapshots.push(wire::snapshot(service.show_snapshot(&caller, id).await?));
    }
    Ok(SavedGroup { group: group.name, group_snapshot_id: saved.group_snapshot, snapshots })
}
