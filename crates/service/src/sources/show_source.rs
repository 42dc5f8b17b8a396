//! One source.

use backstay_model::{Action, Caller, SnapshotState, SourceId};

use super::view;
use crate::error::Result;
use crate::service::Service;
use crate::view::Source;

impl Service {
    /// Shows a source, with its number of snapshots.
    pub async fn show_source(&self, caller: &Caller, id: &SourceId) -> Result<Source> {
        let row = self.permitted_source(caller, id, Action::View).await?;
        let statistics = self.read().await?.statistics(None, Some(id)).await?;
        let alive = |state: SnapshotState| !matches!(state, SnapshotState::Deleting | SnapshotState::Deleted);
        let count =
            statistics.by_state.iter().filter(|(state, _)| alive(*state)).map(|(_, count)| count).sum();
        Ok(Source { snapshot_count: Some(count), ..view(row)? })
    }
}
