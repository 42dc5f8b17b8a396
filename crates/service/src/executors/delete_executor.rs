//! Removing an executor.

use backstay_model::{Action, Caller, Subject};
use serde_json::json;

use crate::error::Result;
use crate::service::{Describe, Service};

impl Service {
    /// Removes an executor. Jobs that named it name none; what it was asked for before it can still confirm.
    pub async fn delete_executor(&self, caller: &Caller, id: &str) -> Result<()> {
        let row = self.permitted_executor(caller, id, Action::ManageSources).await?;
        let mut tx = self.begin().await?;
        tx.delete_executor(row.number).await?;
        let mut event = self.event(caller, "executor.removed", Subject::new("executor", id));
        event.tenant = row.tenant;
        tx.record(event.with(json!({"name": row.name, "project": row.project})));
        tx.commit().await?;
        Ok(())
    }
}
