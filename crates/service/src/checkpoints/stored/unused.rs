//! Removing what saves left in the repository that never came to their transaction.

use backstay_model::Timestamp;
use backstay_repository::{Manifest, ManifestId};

use super::described::{is_content, is_of};
use super::prepare::STALE_S;
use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

/// How old a content is, in seconds, when no row will refer to it any more: a save with an older one is refused. The rest is
/// for clocks of several servers that differ.
const UNUSED_S: f64 = STALE_S + 300.0;

/// How many manifests are looked at in one go.
const BATCH: usize = 200;

impl Service {
    /// Removes what was written for requests that were refused, without anybody waiting for it. What is left after an error is found
    /// later.
    pub(in crate::checkpoints) fn give_back(&self, unused: Vec<ManifestId>) {
        if unused.is_empty() {
            return;
        }
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(error) = service.remove_manifests(unused).await {
                tracing::warn!(%error, "states that were refused stay in the repository for now");
            }
        });
    }

    /// Removes contents of jobs to which no row of this catalog refers, and none will. Contents of other catalogs in the same
    /// repository are not touched. Returns how many.
    pub(crate) async fn remove_unused_contents(&self, run: &Run) -> Result<u64> {
        let mut removed = 0;
        for batch in self.manifest_ids().await?.chunks(BATCH) {
            run.cancel.check()?;
            let unknown = self.unknown_among(batch).await?;
            let mut unused = Vec::new();
            for (id, manifest) in self.read_manifests(&unknown).await? {
                // One that cannot be read is told by reconciliation and by a verification.
                if let Ok(manifest) = manifest
                    && self.is_unused_content(&manifest).await?
                {
                    unused.push(id);
                }
            }
            removed += self.remove_if_unused(unused).await?;
        }
        Ok(removed)
    }

    /// Removes those of these unused contents that still are. No save commits meanwhile, and one that begins later finds its content
    /// too old, so that none is taken away from a save, whatever the clock does.
    pub(crate) async fn remove_if_unused(&self, unused: Vec<ManifestId>) -> Result<u64> {
        if unused.is_empty() {
            return Ok(0);
        }
        let names: Vec<String> = unused.iter().map(ToString::to_string).collect();
        let mut tx = self.begin().await?;
        let known = tx.known_contents(&names).await?;
        let unused: Vec<ManifestId> = unused
            .into_iter()
            .zip(&names)
            .filter(|(_, name)| !known.contains(name))
            .map(|(id, _)| id)
            .collect();
        let removed = unused.len() as u64;
        self.remove_manifests(unused).await?;
        tx.roll_back().await;
        Ok(removed)
    }

    /// Those manifests that are neither a snapshot's nor a content's, as far as this catalog knows.
    pub(crate) async fn unknown_among(&self, ids: &[ManifestId]) -> Result<Vec<ManifestId>> {
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut read = self.read().await?;
        let mut known = read.known_manifests(&names).await?;
        known.extend(read.known_contents(&names).await?);
        Ok(ids.iter().zip(&names).filter(|(_, name)| !known.contains(name)).map(|(id, _)| *id).collect())
    }

    /// Whether a manifest that no row refers to is the content of a save of this catalog that did not end.
    pub(crate) async fn is_unused_content(&self, manifest: &Manifest) -> Result<bool> {
        if !is_content(manifest) || !is_old(manifest.created_at, self.now()) {
            return Ok(false);
        }
        Ok(is_of(manifest, &self.keyring().await?.fingerprint()))
    }
}

fn is_old(created_at: Timestamp, now: Timestamp) -> bool {
    now.seconds_since(created_at) > UNUSED_S
}
