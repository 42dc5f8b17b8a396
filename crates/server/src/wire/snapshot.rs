//! Snapshots and holds.

use backstay_api::hold::Hold;
use backstay_api::snapshot::{Counts, Snapshot, Warning};
use backstay_model::Kind;
use backstay_service::view;

use super::path_text;
use super::training::particulars;

/// A snapshot; warnings and attributes only with `detail`.
pub fn snapshot(from: view::Snapshot, detail: bool) -> Snapshot {
    let warnings = from.warnings.into_iter().map(|warning| {
        let (path, path_b64) = path_text(&warning.path);
        Warning { path, path_b64, code: warning.code, detail: warning.detail }
    });
    let training = from.training.as_deref();
    Snapshot {
        name: match training {
            Some(_) => format!("{}.h5", from.id),
            None if from.label.is_empty() => from.id.to_string(),
            None => from.label.clone(),
        },
        path: match training {
            Some(_) => format!("/api/v1/snapshots/{}/file", from.id),
            None => format!("/api/v1/snapshots/{}/archive", from.id),
        },
        size_bytes: training.map_or(from.logical_bytes, |training| training.size_bytes),
        particulars: training.map(particulars).unwrap_or_default(),
        id: from.id.into(),
        kind: from.kind,
        label: from.label,
        description: from.description,
        timestamp: from.created_at,
        state: from.state,
        trigger: from.trigger,
        reason: from.trigger,
        workspace_id: (from.kind == Kind::Workspace).then(|| from.source.to_string()),
        source_id: from.source.into(),
        source_name: from.source_name,
        tenant_id: from.tenant.into(),
        added_bytes: from.added_bytes,
        counts: Counts {
            files: from.counts.files,
            directories: from.counts.directories,
            symlinks: from.counts.symlinks,
            hard_links: from.counts.hard_links,
            skipped: from.counts.skipped,
        },
        scope: from.scope,
        pinned: from.pinned,
        holds: from.holds,
        partial: from.partial,
        verified_at: from.verified_at,
        damaged: from.damaged,
        warning_count: from.warning_count,
        warnings: detail.then(|| warnings.collect()),
        operation_id: from.operation.map(Into::into),
        group_id: from.group,
        created_by: Some(from.actor.into()),
        completed_at: from.completed_at,
        state_reason: from.state_reason,
        attributes: detail.then_some(from.attributes),
    }
}

/// A hold.
pub fn hold(from: view::Hold) -> Hold {
    Hold {
        id: from.id.into(),
        snapshot_id: from.snapshot.into(),
        reason: from.reason,
        pin: from.pin,
        placed_by: Some(from.placed_by.into()),
        created_at: from.created_at,
        expires_at: from.expires_at,
    }
}
