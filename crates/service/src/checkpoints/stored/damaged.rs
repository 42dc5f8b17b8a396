//! Noting which checkpoints lose their state by damage of the repository.

use backstay_catalog::CheckpointFlags;
use backstay_repository::ManifestId;

use crate::error::Result;
use crate::service::Service;

impl Service {
    /// Marks the checkpoints whose states lie under manifests that lost something, as reading them would.
    pub(crate) async fn mark_damaged_states(&self, manifests: &[ManifestId]) -> Result<()> {
        if manifests.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = manifests.iter().map(ToString::to_string).collect();
        let mut tx = self.begin().await?;
        let numbers = tx.checkpoints_of_contents(&names).await?;
        for head in tx.checkpoint_heads(&numbers).await? {
            if !head.flags.damaged {
                let flags = CheckpointFlags { damaged: true, ..head.flags };
                tx.set_checkpoint_flags(head.number, flags).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
