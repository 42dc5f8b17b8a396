//! Comparing the states of two checkpoints.

use backstay_model::{Action, Caller};
use backstay_source_job::{Change, Json, diff};

use crate::error::{Result, ServiceError};
use crate::service::{Service, blocking};

impl Service {
    /// The operations that turn the state of one checkpoint into that of another.
    pub async fn diff_checkpoints(&self, caller: &Caller, from: &str, to: &str) -> Result<Vec<Change>> {
        let mut states = Vec::with_capacity(2);
        for id in [from, to] {
            let seen = self.seen_checkpoint(caller, id, Action::View).await?;
            states.push(self.checkpoint_state(seen, id).await?.state);
        }
        blocking("compare two states", move || {
            let read = |text: &str| {
                Json::parse(text).map_err(|e| ServiceError::internal("Could not read a state", e))
            };
            let [from, to] = states.as_slice() else { return Ok(Vec::new()) };
            Ok(diff(&read(from)?, &read(to)?))
        })
        .await
    }
}
