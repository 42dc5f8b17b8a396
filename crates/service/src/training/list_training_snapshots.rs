//! The snapshots of runs.

use std::collections::HashMap;

use backstay_catalog::{SnapshotFilter, SnapshotRow};
use backstay_model::{Action, Caller, Kind, SnapshotId, SnapshotState, SourceId, Subject};

use super::view;
use crate::error::{Result, ServiceError};
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::TrainingSnapshot;

impl Service {
    /// Lists the snapshots of a run, or of all runs that the caller sees, newest first. Failed ones are among them.
    pub async fn list_training_snapshots(
        &self,
        caller: &Caller,
        run: Option<&SourceId>,
        page: &PageRequest,
    ) -> Result<Page<TrainingSnapshot>> {
        if let Some(run) = run {
            self.permitted_run(caller, run, Action::View).await?;
        } else {
            let subject = Subject::new("snapshots", &caller.tenant);
            self.permit(caller, Some(Kind::Training), Action::View, &subject).await?;
        }
        let wanted = SnapshotFilter {
            tenant: Self::visible_tenant(caller),
            source: run.cloned(),
            kinds: vec![Kind::Training],
            states: vec![SnapshotState::Creating, SnapshotState::Ready, SnapshotState::Failed],
            ..SnapshotFilter::default()
        };
        let mut read = self.read().await?;
        let found: Page<SnapshotRow> = read.list_snapshots(&wanted, &page.paging()?).await?.into();
        let mut ids: Vec<SourceId> = found.items.iter().map(|row| row.source.clone()).collect();
        ids.sort();
        ids.dedup();
        let names: HashMap<SourceId, String> = read.source_names(&ids).await?.into_iter().collect();
        let items = found.items.into_iter().map(|row| {
            let name = names.get(&row.source).cloned().unwrap_or_default();
            view::snapshot(row, &name)
        });
        Ok(Page { items: items.collect(), total: found.total, next: found.next })
    }

    /// A snapshot of a run.
    pub async fn show_training_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<TrainingSnapshot> {
        let row = self.permitted_training(caller, id, Action::View).await?;
        self.named_training(row).await
    }

    /// The row of a snapshot of a run, when the caller may do `action` to it. One of another kind is not found.
    pub(super) async fn permitted_training(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        action: Action,
    ) -> Result<SnapshotRow> {
        let of_kind = self.read().await?.snapshot(id).await?.is_some_and(|row| row.kind == Kind::Training);
        if !of_kind {
            return Err(ServiceError::not_found("Snapshot"));
        }
        self.permitted_snapshot(caller, id, action).await
    }

    pub(super) async fn named_training(&self, row: SnapshotRow) -> Result<TrainingSnapshot> {
        view::named(&mut self.read().await?, row).await
    }
}
