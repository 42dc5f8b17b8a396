//! One snapshot.

use backstay_catalog::{Paging, SnapshotFilter, SnapshotRow, Total};
use backstay_model::{Action, Caller, Kind, SnapshotId, SnapshotState, SourceId, Subject, Trigger};

use super::view::detailed;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::Snapshot;

/// What ids begin with, and a person need not type.
const PREFIX: &str = "snapshot-";

/// How many candidates of an ambiguous prefix are told.
const MOST_CANDIDATES: usize = 5;

impl Service {
    /// Shows a snapshot with its warnings and attributes. A deleted one is not found, like an unknown one.
    pub async fn show_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let row = self.permitted_snapshot(caller, id, Action::View).await?;
        detailed(&mut self.read().await?, row, self.now()).await
    }

    /// Finds the snapshot that `text` names: `latest`, `latest~N`, an id, or a prefix of one id, with or without
    /// `snapshot-`; within `source`, or among all that the caller sees. `latest` counts ready snapshots that are no undo points.
    ///
    /// Errors: `NotFound`; `Invalid` when a prefix is ambiguous, with up to five candidates in the hint.
    pub async fn resolve_snapshot(
        &self,
        caller: &Caller,
        source: Option<&SourceId>,
        text: &str,
    ) -> Result<Snapshot> {
        let subject = Subject::new("snapshots", &caller.tenant);
        self.permit(caller, Some(Kind::Workspace), Action::View, &subject).await?;
        let row = match text.strip_prefix("latest") {
            Some(back) if back.is_empty() || back.starts_with('~') => {
                self.latest(caller, source, back).await?
            }
            _ => self.by_prefix(caller, source, text).await?,
        };
        detailed(&mut self.read().await?, row, self.now()).await
    }

    async fn latest(&self, caller: &Caller, source: Option<&SourceId>, back: &str) -> Result<SnapshotRow> {
        let back = match back.strip_prefix('~') {
            None => 0,
            Some(number) => number.parse::<u32>().map_err(|_| {
                ServiceError::invalid("snapshot", "after `latest~` comes a number, for example `latest~1`")
            })?,
        };
        let filter = SnapshotFilter {
            tenant: Self::visible_tenant(caller),
            source: source.cloned(),
            states: vec![SnapshotState::Ready],
            triggers: Trigger::ALL.iter().copied().filter(|trigger| *trigger != Trigger::Safety).collect(),
            ..SnapshotFilter::default()
        };
        let paging = Paging { limit: 1, offset: u64::from(back), after: None, total: Total::Exact };
        let found = self.read().await?.list_snapshots(&filter, &paging).await?;
        found.items.into_iter().next().ok_or_else(|| {
            ServiceError::not_found("Snapshot").hint(match found.total {
                0 => "nothing was saved yet; run `backstay save`".to_owned(),
                total => format!("there are {total}; run `backstay list` to see them"),
            })
        })
    }

    async fn by_prefix(&self, caller: &Caller, source: Option<&SourceId>, text: &str) -> Result<SnapshotRow> {
        let not_found = || {
            let shown: String = text.chars().take(60).collect();
            ServiceError::new(backstay_model::ErrorKind::NotFound, format!("Snapshot `{shown}` not found"))
                .hint("run `backstay list` to see the snapshots")
        };
        let mut read = self.read().await?;
        let mut found = Vec::new();
        for prefix in [text.to_owned(), format!("{PREFIX}{text}")] {
            let limit = MOST_CANDIDATES as u32 + 100;
            for row in read.snapshots_with_prefix(source, &prefix, limit).await? {
                if row.id.as_str() == text && row.state != SnapshotState::Deleted && caller.sees(&row.tenant)
                {
                    return Ok(row);
                }
                found.push(row);
            }
        }
        found.retain(|row| caller.sees(&row.tenant) && row.state != SnapshotState::Deleted);
        found.dedup_by(|a, b| a.id == b.id);
        match found.len() {
            0 => Err(not_found()),
            1 => Ok(found.remove(0)),
            _ => {
                let shown: Vec<&str> =
                    found.iter().take(MOST_CANDIDATES).map(|row| row.id.as_str()).collect();
                Err(ServiceError::invalid("snapshot", format!("`{text}` is the beginning of several ids"))
                    .hint(format!("use more of the id: {}", shown.join(", "))))
            }
        }
    }
}
