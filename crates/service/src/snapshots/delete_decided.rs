//! Deletes what keep rules decided to remove.

use backstay_catalog::{SnapshotRow, SourceRow, Tx};
use backstay_model::{Caller, Subject};

use crate::error::Result;
use crate::service::{Describe, Service};

impl Service {
    /// Deletes `removed` of a source, with one event that tells of all in `told`. Ends `tx`, in which it was decided (**the commit
    /// point**), and then removes the manifests; what is left of that after a crash, the next start removes.
    pub(crate) async fn delete_decided(
        &self,
        mut tx: Tx,
        caller: &Caller,
        source: &SourceRow,
        removed: &[&SnapshotRow],
        reason: &str,
        told: serde_json::Value,
    ) -> Result<()> {
        for row in removed {
            self.begin_delete_in(&mut tx, caller, row, reason).await?;
        }
        let event = self.event(caller, "source.pruned", Subject::new("source", &source.id));
        tx.record(event.of_source(&source.tenant, source.kind, &source.id).with(told));
        tx.commit().await?;
        for row in removed {
            self.finish_delete(row).await?;
        }
        Ok(())
    }
}
