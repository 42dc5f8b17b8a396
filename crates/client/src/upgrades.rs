//! Upgrades of dependencies: plan, execute, follow.

use std::time::Duration;

use backstay_api::operation::OperationState;
use backstay_api::restore::OperationAccepted;
use backstay_api::upgrade::{NewUpgrade, NewUpgradePlan, OutputQuery, UpgradeEvent, UpgradePlan};
use futures_util::StreamExt;
use reqwest::Method;

use crate::client::{Client, Result};
use crate::error::ClientError;
use crate::sse::SseParser;

impl Client {
    /// Plans an upgrade: what would move and run. Fetches on the server's machine and changes nothing else.
    pub async fn plan_upgrade(&self, workspace_id: &str, new: &NewUpgradePlan) -> Result<UpgradePlan> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "upgrade-plans"]);
        self.fetch(call.json(new).key(self.new_key()).unlimited()).await
    }

    /// Executes a plan, waiting up to `wait_seconds` (0 to 60) for its end.
    pub async fn upgrade(
        &self,
        workspace_id: &str,
        plan_id: &str,
        wait_seconds: u32,
    ) -> Result<OperationAccepted> {
        let call = self.api(Method::POST, &["workspaces", workspace_id, "upgrades"]);
        let body = NewUpgrade { plan_id: plan_id.to_owned() };
        self.fetch(call.json(&body).key(self.new_key()).wait(wait_seconds)).await
    }

    /// Follows what happens during an upgrade from its beginning to its end, and returns how the operation ended. A broken
    /// connection is made again after the last event seen. Dropping the future follows no longer; the upgrade goes on.
    pub async fn follow_output(
        &self,
        operation_id: &str,
        mut on_event: impl FnMut(UpgradeEvent),
    ) -> Result<OperationState> {
        let mut query = OutputQuery::default();
        loop {
            let call = self.api(Method::GET, &["operations", operation_id, "output"]);
            let mut bytes = self.send(call.query(&query).unlimited()).await?.bytes_stream();
            let mut parser = SseParser::default();
            while let Some(Ok(part)) = bytes.next().await {
                for event in parser.push(&part) {
                    let bad = |source| ClientError::BadEvent { source };
                    if event.event.as_deref() == Some("end") {
                        return serde_json::from_str(&event.data).map_err(bad);
                    }
                    on_event(serde_json::from_str(&event.data).map_err(bad)?);
                    query.after = event.id.and_then(|id| id.parse().ok()).or(query.after);
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
