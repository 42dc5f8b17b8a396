//! All rows in some states, a page at a time.

use backstay_catalog::{Paging, SnapshotFilter, SnapshotRow, Total};
use backstay_model::SnapshotState;

use crate::error::Result;
use crate::run::Run;
use crate::service::Service;

/// How many rows a page has.
const PAGE: u32 = 1000;

/// Hands over every row in some states, newest first. No more than a page is in memory, and none is told twice.
pub(crate) struct SnapshotPages<'a> {
    service: &'a Service,
    run: &'a Run,
    filter: SnapshotFilter,
    /// Where the next page begins; `None` when there is none.
    next: Option<Paging>,
}

impl Service {
    /// Every row in one of these states.
    pub(crate) fn pages_in<'a>(&'a self, states: &[SnapshotState], run: &'a Run) -> SnapshotPages<'a> {
        SnapshotPages {
            service: self,
            run,
            filter: SnapshotFilter { states: states.to_vec(), ..SnapshotFilter::default() },
            next: Some(Paging { limit: PAGE, total: Total::Skip, ..Paging::default() }),
        }
    }
}

impl SnapshotPages<'_> {
    /// The next page; `None` after the last. An error when the run is cancelled.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<SnapshotRow>>> {
        self.run.cancel.check()?;
        let Some(paging) = self.next.take() else { return Ok(None) };
        let page = self.service.read().await?.list_snapshots(&self.filter, &paging).await?;
        self.next = page.next.map(|next| Paging { after: Some(next), ..paging });
        Ok(Some(page.items))
    }
}
