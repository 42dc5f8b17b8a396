//! The snapshots that a caller sees.

use backstay_catalog::{SnapshotFilter as RowFilter, SnapshotRow};
use backstay_model::{Action, Caller, SnapshotState, Subject};

use super::view::named;
use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::service::Service;
use crate::view::{Snapshot, SnapshotFilter};

/// What is listed when no state is named.
const ALIVE: [SnapshotState; 3] = [SnapshotState::Creating, SnapshotState::Ready, SnapshotState::Failed];

impl Service {
    /// Lists snapshots, newest first.
    pub async fn list_snapshots(
        &self,
        caller: &Caller,
        filter: &SnapshotFilter,
        page: &PageRequest,
    ) -> Result<Page<Snapshot>> {
        self.permit(caller, filter.kind, Action::View, &Subject::new("snapshots", &caller.tenant)).await?;
        let wanted = RowFilter {
            tenant: Self::visible_tenant(caller),
            source: filter.source.clone(),
            kinds: filter.kind.into_iter().collect(),
            states: if filter.states.is_empty() { ALIVE.to_vec() } else { filter.states.clone() },
            triggers: filter.triggers.clone(),
            pinned: filter.pinned,
            since: filter.since,
            until: filter.until,
            label: filter.label.clone(),
            text: filter.text.clone(),
        };
        let mut read = self.read().await?;
        if let (Some(source), Some(tenant)) = (&wanted.source, &wanted.tenant)
            && read.source(source).await?.is_none_or(|row| row.tenant != *tenant)
        {
            return Ok(Page { items: Vec::new(), total: 0, next: None });
        }
        let found: Page<SnapshotRow> = read.list_snapshots(&wanted, &page.paging()?).await?.into();
        let items = named(&mut read, found.items).await?;
        Ok(Page { items, total: found.total, next: found.next })
    }
}
