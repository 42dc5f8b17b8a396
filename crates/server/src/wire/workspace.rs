//! Workspaces.

use backstay_api::workspace::Workspace;
use backstay_service::view;

/// A workspace.
pub fn workspace(from: view::Source) -> Workspace {
    Workspace {
        id: from.id.into(),
        name: from.name,
        tenant_id: from.tenant.into(),
        root: from.root.to_string_lossy().into_owned(),
        host: from.host,
        state_serial: from.state_serial,
        created_at: from.created_at,
        retention: from.retention.as_ref().map(super::retention_rules),
        snapshot_count: from.snapshot_count,
    }
}
