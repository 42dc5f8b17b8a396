//! Removes a run with its snapshots.

use backstay_catalog::{Paging, Session, SnapshotFilter, SnapshotRow, Total};
use backstay_model::{Action, Caller, SnapshotState, SourceId};

use crate::error::{Result, ServiceError};
use crate::service::Service;

/// How many rows are read at once.
const BATCH: u32 = 1000;

impl Service {
    /// Removes a run and all of its snapshots. What was begun and broke off is finished by removing it again.
    ///
    /// Errors: `Conflict` while it trains, and when a snapshot of it is pinned, held, or the origin of a fork; nothing is removed then.
    pub async fn delete_training_run(&self, caller: &Caller, id: &SourceId) -> Result<()> {
        let run = self.permitted_run(caller, id, Action::ManageSources).await?;
        self.forget_live_run(&run).await?;
        let mut tx = self.begin().await?;
        let forks = Self::forks_of(&mut tx, &run.tenant).await?;
        let rows = snapshots_of(&mut tx, id).await?;
        for row in &rows {
            if let Some(fork) = forks.get(&row.id) {
                let message = format!("`{fork}` was forked from a snapshot of this run");
                return Err(ServiceError::conflict(message).code("in_use").hint("remove that run first"));
            }
            if row.state != SnapshotState::Deleting {
                self.begin_delete_in(&mut tx, caller, row, "its run was removed").await?;
            }
        }
        tx.commit().await?;
        for row in &rows {
            self.finish_delete(row).await?;
        }
        self.remove_source(caller, id).await
    }
}

/// The snapshots of a run that are there.
async fn snapshots_of(read: &mut Session, run: &SourceId) -> Result<Vec<SnapshotRow>> {
    let filter = SnapshotFilter {
        source: Some(run.clone()),
        states: vec![SnapshotState::Creating, SnapshotState::Ready, SnapshotState::Deleting],
        ..SnapshotFilter::default()
    };
    let mut paging = Paging { limit: BATCH, total: Total::Skip, ..Paging::default() };
    let mut rows = Vec::new();
    loop {
        let page = read.list_snapshots(&filter, &paging).await?;
        rows.extend(page.items);
        match page.next {
            Some(next) => paging.after = Some(next),
            None => return Ok(rows),
        }
    }
}
