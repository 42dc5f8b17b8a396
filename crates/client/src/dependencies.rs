//! Dependencies of workspaces.

use backstay_api::declared::{
    CommandList, CommandPlan, CommandsQuery, DependencyTree, DependencyValidation, NewCommandRun,
    ShownChange, ShownChangeQuery, ValidationQuery,
};
use backstay_api::dependency::{
    DependencyChanges, DependencyChangesQuery, DependencyList, DependencyQuery, NewDependencyChange,
};
use backstay_api::restore::OperationAccepted;
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

    /// Shows one declared change of a dependency and its commands.
    pub async fn show_dependency_change(
        &self,
        workspace_id: &str,
        dependency: &str,
        reference: &str,
    ) -> Result<ShownChange> {
        let path = ["workspaces", workspace_id, "dependencies", dependency, "change"];
        let query = ShownChangeQuery { reference: reference.to_owned() };
        self.fetch(self.api(Method::GET, &path).query(&query)).await
    }

    /// Lists what is locked and where it comes from.
    pub async fn show_dependency_tree(&self, workspace_id: &str) -> Result<DependencyTree> {
        self.fetch(self.api(Method::GET, &["workspaces", workspace_id, "dependency-tree"])).await
    }

    /// Looks whether the files are right and the checkouts what the lock says.
    pub async fn validate_dependencies(
        &self,
        workspace_id: &str,
        query: &ValidationQuery,
    ) -> Result<DependencyValidation> {
        let path = ["workspaces", workspace_id, "dependency-validation"];
        self.fetch(self.api(Method::GET, &path).query(query)).await
    }

    /// Lists the commands of a workspace or of one of its dependencies.
    pub async fn list_commands(&self, workspace_id: &str, query: &CommandsQuery) -> Result<CommandList> {
        self.fetch(self.api(Method::GET, &["workspaces", workspace_id, "commands"]).query(query)).await
    }

    /// Shows what a command would run.
    pub async fn plan_command(&self, workspace_id: &str, new: &NewCommandRun) -> Result<CommandPlan> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "command-plans"]);
        self.fetch(call.json(new).key(self.new_key())).await
    }

    /// Runs a command, waiting up to `wait_seconds` (0 to 60) for its end; the result of the task has the exit codes, and
    /// [`Client::follow_output`] follows what it says.
    pub async fn run_command(
        &self,
        workspace_id: &str,
        new: &NewCommandRun,
        wait_seconds: u32,
    ) -> Result<OperationAccepted> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "command-runs"]);
        self.fetch(call.json(new).key(self.new_key()).wait(wait_seconds)).await
    }
}
