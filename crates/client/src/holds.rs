//! Holds.

use backstay_api::hold::{Hold, HoldPage, HoldQuery, NewHold};
use reqwest::Method;

use crate::client::{Client, Result};

impl Client {
    /// Places a hold on a snapshot.
    pub async fn create_hold(&self, snapshot_id: &str, new: &NewHold) -> Result<Hold> {
        let call = self.api(Method::POST, &["snapshots", snapshot_id, "holds"]);
        self.fetch(call.json(new).key(self.new_key())).await
    }

    /// Lists the holds of a snapshot.
    pub async fn list_holds(&self, snapshot_id: &str, query: &HoldQuery) -> Result<HoldPage> {
        self.fetch(self.api(Method::GET, &["snapshots", snapshot_id, "holds"]).query(query)).await
    }

    /// Releases a hold.
    pub async fn release_hold(&self, id: &str) -> Result<()> {
        self.delete(&["holds", id]).await
    }
}
