//! Compares two snapshots of training.

use backstay_model::{Action, Caller, SnapshotId};
use backstay_source_training::{Comparison, compare};

use super::load_training::load_checked;
use crate::error::Result;
use crate::service::{Service, blocking};
use crate::snapshots::Stored;

impl Service {
    /// What `second` differs in from `first`, tensor by tensor.
    pub async fn compare_training(
        &self,
        caller: &Caller,
        first: &SnapshotId,
        second: &SnapshotId,
    ) -> Result<Comparison> {
        let mut stored = Vec::with_capacity(2);
        for id in [first, second] {
            let row = self.permitted_training(caller, id, Action::View).await?;
            stored.push(Stored::of(&row, self.lazy_repository())?);
        }
        blocking("compare the snapshots", move || {
            let mut loaded = Vec::with_capacity(2);
            for one in stored {
                let opened = one.open()?;
                loaded.push(load_checked(&opened.reader, &opened.manifest)?);
            }
            Ok(compare(&loaded[0], &loaded[1]))
        })
        .await
    }
}
