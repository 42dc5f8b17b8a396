//! Dependencies of workspaces.

use backstay_api::dependency::{
    DependencyChanges, DependencyChangesQuery, DependencyList, DependencyQuery, NewDependencyChange,
};
use backstay_api::task::TaskAccepted;
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Lists the locked dependencies of a workspace.
    pub async fn list_dependencies(
        &self,
        workspace_id: &str,
        query: &DependencyQuery,
    ) -> Result<DependencyList> {
        self.fetch(self.api(Method::GET, &["workspaces", workspace_id, "dependencies"]).query(query)).await
    }

    /// Lists the declared changes of a dependency.
    pub async fn list_dependency_changes(
        &self,
        workspace_id: &str,
        dependency: &str,
        query: &DependencyChangesQuery,
    ) -> Result<DependencyChanges> {
        let path = ["workspaces", workspace_id, "dependencies", dependency, "changes"];
        self.fetch(self.api(Method::GET, &path).query(query)).await
    }

    /// Changes dependencies, waiting up to `wait_seconds` (0 to 60) for the end; the result of the task tells what became of each.
    pub async fn change_dependencies(
        &self,
        workspace_id: &str,
        new: &NewDependencyChange,
        wait_seconds: u32,
    ) -> Result<TaskAccepted> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "dependency-changes"]);
        self.fetch(call.json(new).key(self.new_key()).wait(wait_seconds)).await
    }
}
