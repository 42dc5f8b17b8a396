//! Proves that a snapshot of training is there and can be gone on from.

use backstay_model::{Action, Caller, ErrorKind, SnapshotId};

use super::load_training::load_checked;
use crate::error::Result;
use crate::run::Run;
use crate::service::{Service, blocking};
use crate::snapshots::Stored;
use crate::view::{DamageReport, VerifyDepth, VerifyReport, VerifyScope};

impl Service {
    /// Reads every byte of a snapshot back, as [`Service::verify_snapshots`] does, and when nothing is lost also loads it. Damage is
    /// no error: the report tells of it.
    pub async fn verify_training(&self, caller: &Caller, id: &SnapshotId, run: &Run) -> Result<VerifyReport> {
        let row = self.permitted_training(caller, id, Action::Verify).await?;
        let scope = VerifyScope::Snapshots(vec![id.clone()]);
        let mut report = self.verify_snapshots(caller, &scope, VerifyDepth::Full, run).await?;
        if report.healthy {
            let stored = Stored::of(&row, self.lazy_repository())?;
            let loaded = blocking("load the snapshot", move || {
                let opened = stored.open()?;
                load_checked(&opened.reader, &opened.manifest).map(drop)
            });
            match loaded.await {
                Ok(()) => {}
                Err(error) if error.kind == ErrorKind::Damaged => {
                    report.healthy = false;
                    report.damage.push(DamageReport {
                        object: format!("snapshot {id}"),
                        reason: error.message,
                        snapshot: Some(id.clone()),
                        lost_paths: Vec::new(),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }
}
