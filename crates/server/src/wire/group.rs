//! Groups.

use backstay_api::group::{GroupRestoreAccepted, GroupSnapshotAccepted, WorkspaceGroup};
use backstay_service::view;

/// A group.
pub fn group(from: view::Group) -> WorkspaceGroup {
    WorkspaceGroup {
        id: from.id,
        name: from.name,
        tenant_id: from.tenant.into(),
        workspace_ids: from.members.into_iter().map(Into::into).collect(),
        created_at: from.created_at,
    }
}

/// A capture of a group.
pub fn group_snapshot(from: view::GroupSnapshot) -> GroupSnapshotAccepted {
    GroupSnapshotAccepted {
        group_snapshot_id: from.group_snapshot,
        snapshot_ids: from.snapshots.into_iter().map(Into::into).collect(),
        task_id: from.task.map(Into::into),
    }
}

/// A restore of a group.
pub fn group_restore(from: view::GroupRestore) -> GroupRestoreAccepted {
    GroupRestoreAccepted {
        operation_ids: from.operations.into_iter().map(Into::into).collect(),
        task_id: from.task.map(Into::into),
    }
}
