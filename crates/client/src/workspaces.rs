//! Workspaces: registering directories.

use backstay_api::prune::{PruneRequest, PruneResult};
use backstay_api::workspace::{NewWorkspace, Workspace, WorkspaceChange, WorkspacePage, WorkspaceQuery};
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Registers a directory on the server's host.
    pub async fn create_workspace(&self, new: &NewWorkspace) -> Result<Workspace> {
        self.fetch(self.api(Method::POST, &["workspaces"]).json(new).key(self.new_key())).await
    }

    /// Lists workspaces by name.
    pub async fn list_workspaces(&self, query: &WorkspaceQuery) -> Result<WorkspacePage> {
        self.fetch(self.api(Method::GET, &["workspaces"]).query(query)).await
    }

    /// Shows a workspace.
    pub async fn get_workspace(&self, id: &str) -> Result<Workspace> {
        self.fetch(self.api(Method::GET, &["workspaces", id])).await
    }

    /// Changes the name or the retention of a workspace.
    pub async fn update_workspace(&self, id: &str, change: &WorkspaceChange) -> Result<Workspace> {
        self.fetch(self.api(Method::PATCH, &["workspaces", id]).json(change)).await
    }

    /// Removes a workspace from Backstay's care; the directory stays.
    pub async fn delete_workspace(&self, id: &str) -> Result<()> {
        self.delete(&["workspaces", id]).await
    }

    /// Decides which snapshots of a workspace to keep, and deletes the others unless it is a dry run.
    pub async fn prune_workspace(&self, id: &str, request: &PruneRequest) -> Result<PruneResult> {
        self.fetch(self.api(Method::POST, &["workspaces", id, "prune"]).json(request).key(self.new_key()))
            .await
    }
}
