//! Heals what can be healed.

use std::collections::BTreeMap;

use backstay_model::{Caller, Subject};
use backstay_repository::{RepairOptions, Repository, VerifyDepth};
use serde_json::json;

use crate::error::Result;
use crate::run::Run;
use crate::service::{Describe, Service, blocking};
use crate::snapshots::report_of;
use crate::view::RepairReport;

impl Service {
    /// Enters packs into the index again, takes damaged ones out of use after saving what is left of them, and takes lost content
    /// over from `healthy` when given. Reads everything.
    pub async fn repair_repository(
        &self,
        caller: &Caller,
        healthy: Option<&Repository>,
        run: &Run,
    ) -> Result<RepairReport> {
        self.permit_repository(caller).await?;
        let repository = self.repository().await?;
        let options = RepairOptions {
            depth: VerifyDepth::Full,
            heal_from: healthy.cloned(),
            progress: run.progress.clone(),
            cancel: run.cancel.clone(),
            ..RepairOptions::default()
        };
        let found = blocking("repair the repository", move || Ok(repository.repair(&options)?)).await?;
        let left = report_of(&found.left, &BTreeMap::new());
        let report = RepairReport {
            healthy: left.healthy,
            packs_indexed: found.indexed_packs,
            packs_dropped: found.dropped_packs,
            saved_bytes: found.saved_bytes,
            snapshots_healed: found.healed_snapshots,
            remaining: left.damage,
        };
        let event = self.event(caller, "repository.repaired", Subject::new("repository", "main"));
        self.commit_event(event.with(json!({
            "healthy": report.healthy, "packs_dropped": report.packs_dropped, "healed": report.snapshots_healed,
        })))
        .await?;
        Ok(report)
    }
}
