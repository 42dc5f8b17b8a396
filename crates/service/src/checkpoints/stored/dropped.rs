//! Removing from the repository what rows referred to that are gone.

use backstay_repository::ManifestId;

use crate::error::Result;
use crate::service::{Service, blocking};

/// How many are removed in one go.
const BATCH: u32 = 200;

impl Service {
    /// Removes the root manifests of contents whose rows are gone; a collection then takes their bytes. Returns how many.
    /// Idempotent, and safe from several servers at once: they are noted as gone after they are.
    pub(crate) async fn remove_dropped_contents(&self) -> Result<u64> {
        let mut removed = 0;
        loop {
            let dropped = self.read().await?.dropped_contents(BATCH).await?;
            if dropped.is_empty() {
                return Ok(removed);
            }
            let ids = dropped.iter().filter_map(|id| ManifestId::parse(id).ok()).collect();
            self.remove_manifests(ids).await?;
            let mut tx = self.begin().await?;
            tx.forget_contents(&dropped).await?;
            tx.commit().await?;
            removed += dropped.len() as u64;
        }
    }

    /// Removes root manifests; those that are gone already are no error.
    pub(crate) async fn remove_manifests(&self, ids: Vec<ManifestId>) -> Result<()> {
        let repository = self.repository().await?;
        blocking("remove contents of jobs", move || {
            ids.iter().try_for_each(|id| Ok(repository.delete_manifest(id)?))
        })
        .await
    }
}
