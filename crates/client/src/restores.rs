//! Restores: plan, execute, undo.

use backstay_api::operation::{Operation, OperationPage, OperationQuery, UndoRequest};
use backstay_api::restore::{NewRestore, NewRestorePlan, OperationAccepted, RecoverRequest, RestorePlan};
use backstay_api::task::TaskAccepted;
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Plans a restore: what it would change. Nothing is changed yet.
    pub async fn plan_restore(&self, snapshot_id: &str, new: &NewRestorePlan) -> Result<RestorePlan> {
        let call = self.api(Method::POST, &["snapshots", snapshot_id, "restore-plans"]);
        self.fetch(call.json(new).key(self.new_key())).await
    }

    /// Executes a plan, waiting up to `wait_seconds` (0 to 60) for its end.
    pub async fn restore(
        &self,
        workspace_id: &str,
        plan_id: &str,
        wait_seconds: u32,
    ) -> Result<OperationAccepted> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "restores"]);
        let body = NewRestore { plan_id: plan_id.to_owned() };
        self.fetch(call.json(&body).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Lists the operations of a workspace, newest first.
    pub async fn list_operations(&self, workspace_id: &str, query: &OperationQuery) -> Result<OperationPage> {
        self.fetch(self.api(Method::GET, &["workspaces", workspace_id, "operations"]).query(query)).await
    }

    /// Shows an operation.
    pub async fn get_operation(&self, id: &str) -> Result<Operation> {
        self.fetch(self.api(Method::GET, &["operations", id])).await
    }

    /// Undoes an operation; that is an operation of its own.
    pub async fn undo_operation(
        &self,
        id: &str,
        request: &UndoRequest,
        wait_seconds: u32,
    ) -> Result<OperationAccepted> {
        let call = self.api(Method::POST, &["operations", id, "undo"]);
        self.fetch(call.json(request).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Ends operations of a workspace that were cut off; the result of the task names them.
    pub async fn recover_workspace(
        &self,
        workspace_id: &str,
        request: &RecoverRequest,
        wait_seconds: u32,
    ) -> Result<TaskAccepted> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "recover"]);
        self.fetch(call.json(request).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Asks an operation to end without changing anything; too late once it is committed.
    pub async fn cancel_operation(&self, id: &str) -> Result<Operation> {
        self.fetch(self.api(Method::POST, &["operations", id, "cancel"]).key(self.new_key())).await
    }
}
