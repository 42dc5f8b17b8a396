//! Workspace groups.

use backstay_api::group::{
    GroupRestoreAccepted, GroupSnapshotAccepted, NewGroupRestore, NewGroupSnapshot, NewWorkspaceGroup,
    WorkspaceGroup, WorkspaceGroupPage, WorkspaceGroupQuery,
};
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Creates a group.
    pub async fn create_workspace_group(&self, new: &NewWorkspaceGroup) -> Result<WorkspaceGroup> {
        self.fetch(self.api(Method::POST, &["workspace-groups"]).json(new).key(self.new_key())).await
    }

    /// Lists groups by name.
    pub async fn list_workspace_groups(&self, query: &WorkspaceGroupQuery) -> Result<WorkspaceGroupPage> {
        self.fetch(self.api(Method::GET, &["workspace-groups"]).query(query)).await
    }

    /// Shows a group.
    pub async fn get_workspace_group(&self, id: &str) -> Result<WorkspaceGroup> {
        self.fetch(self.api(Method::GET, &["workspace-groups", id])).await
    }

    /// Removes a group; its snapshots stay.
    pub async fn delete_workspace_group(&self, id: &str) -> Result<()> {
        self.delete(&["workspace-groups", id]).await
    }

    /// Captures every member, all or none.
    pub async fn create_group_snapshot(
        &self,
        id: &str,
        new: &NewGroupSnapshot,
        wait_seconds: u32,
    ) -> Result<GroupSnapshotAccepted> {
        let call = self.api(Method::POST, &["workspace-groups", id, "snapshots"]);
        self.fetch(call.json(new).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Restores every member, all or none.
    pub async fn restore_group(
        &self,
        id: &str,
        new: &NewGroupRestore,
        wait_seconds: u32,
    ) -> Result<GroupRestoreAccepted> {
        let call = self.api(Method::POST, &["workspace-groups", id, "restores"]);
        self.fetch(call.json(new).key(self.new_key()).wait(wait_seconds)).await
    }
}
