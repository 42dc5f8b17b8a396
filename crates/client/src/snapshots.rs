//! Snapshots: taking, listing, comparing, verifying, deleting.

use backstay_api::change::{ChangePage, DiffQuery};
use backstay_api::entry::{EntryPage, EntryQuery};
use backstay_api::snapshot::{
    DeleteQuery, NewSnapshot, Snapshot, SnapshotAccepted, SnapshotChange, SnapshotPage, SnapshotQuery,
};
use backstay_api::statistics::{Statistics, StatisticsQuery};
use backstay_api::verify::{VerifyAnswer, VerifyRequest};
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Takes a snapshot of a workspace, waiting up to `wait_seconds` (0 to 60) for its end.
    pub async fn create_snapshot(
        &self,
        workspace_id: &str,
        new: &NewSnapshot,
        wait_seconds: u32,
    ) -> Result<SnapshotAccepted> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "snapshots"]);
        self.fetch(call.json(new).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Lists snapshots, newest first.
    pub async fn list_snapshots(&self, query: &SnapshotQuery) -> Result<SnapshotPage> {
        self.fetch(self.api(Method::GET, &["snapshots"]).query(query)).await
    }

    /// Shows a snapshot.
    pub async fn get_snapshot(&self, id: &str) -> Result<Snapshot> {
        self.fetch(self.api(Method::GET, &["snapshots", id])).await
    }

    /// Whether there is such a snapshot.
    pub async fn snapshot_exists(&self, id: &str) -> Result<bool> {
        match self.done(self.api(Method::HEAD, &["snapshots", id])).await {
            Ok(()) => Ok(true),
            Err(crate::ClientError::Unexpected { status: 404, .. }) => Ok(false),
            Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes the label or the description of a snapshot.
    pub async fn update_snapshot(&self, id: &str, change: &SnapshotChange) -> Result<Snapshot> {
        self.fetch(self.api(Method::PATCH, &["snapshots", id]).json(change)).await
    }

    /// Deletes a snapshot; the reason, which may be empty, stays in the tombstone and in the audit trail.
    pub async fn delete_snapshot(&self, id: &str, reason: &str) -> Result<()> {
        let query = DeleteQuery { reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()) };
        self.send_delete(self.api(Method::DELETE, &["snapshots", id]).query(&query)).await
    }

    /// Lists what is in a snapshot.
    pub async fn list_entries(&self, id: &str, query: &EntryQuery) -> Result<EntryPage> {
        self.fetch(self.api(Method::GET, &["snapshots", id, "entries"]).query(query)).await
    }

    /// Compares a snapshot with another or with the present tree.
    pub async fn diff_snapshot(&self, id: &str, query: &DiffQuery) -> Result<ChangePage> {
        self.fetch(self.api(Method::GET, &["snapshots", id, "diff"]).query(query)).await
    }

    /// Starts reading a snapshot back to prove that it is there.
    pub async fn verify_snapshot(
        &self,
        id: &str,
        request: &VerifyRequest,
        wait_seconds: u32,
    ) -> Result<VerifyAnswer> {
        let call = self.api(Method::POST, &["snapshots", id, "verify"]);
        self.fetch(call.json(request).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Pins a snapshot, so that it cannot be deleted.
    pub async fn pin_snapshot(&self, id: &str) -> Result<Snapshot> {
        self.fetch(self.api(Method::PUT, &["snapshots", id, "pin"])).await
    }

    /// Takes the pin off.
    pub async fn unpin_snapshot(&self, id: &str) -> Result<Snapshot> {
        self.fetch(self.api(Method::DELETE, &["snapshots", id, "pin"])).await
    }

    /// Shows how much is kept and what it costs.
    pub async fn statistics(&self, query: &StatisticsQuery) -> Result<Statistics> {
        self.fetch(self.api(Method::GET, &["statistics"]).query(query)).await
    }
}
