//! How much is kept and what it costs.

use backstay_catalog::SourceFilter;
use backstay_model::{Action, Caller, Role, SnapshotState, SourceId, Subject};
use backstay_repository::StatisticsOptions;

use crate::error::Result;
use crate::page::PageRequest;
use crate::service::{Service, blocking};
use crate::view::{Growth, SourceStatistics, Statistics};

/// How many sources are told.
const MOST_SOURCES: usize = 100;

/// How many days of growth are told.
const MOST_DAYS: usize = 366;

const DAY_S: i64 = 86_400;

impl Service {
    /// Counts what the caller sees, or one source of it. The sizes of the repository, which belong to no tenant, are told to
    /// superadmins and when there is only one tenant.
    pub async fn statistics(&self, caller: &Caller, source: Option<&SourceId>) -> Result<Statistics> {
        let tenant = if let Some(source) = source {
            Some(self.permitted_source(caller, source, Action::View).await?.tenant)
        } else {
            self.permit(caller, None, Action::View, &Subject::new("statistics", &caller.tenant)).await?;
            Self::visible_tenant(caller)
        };
        let now = self.now();
        let mut read = self.read().await?;
        let whole = read.statistics(tenant.as_ref(), source).await?;
        let since = now.plus_seconds(-(MOST_DAYS as i64 - 1) * DAY_S);
        let growth = read.growth(tenant.as_ref(), source, since, now).await?;
        let alone = caller.role == Role::Superadmin || read.tenants().await?.len() == 1;
        drop(read);
        let mut statistics = Statistics {
            snapshots: ready_of(&whole.by_state),
            logical_bytes: whole.logical_bytes,
            growth: growth
                .into_iter()
                .rev()
                .take(MOST_DAYS)
                .rev()
                .map(|day| Growth {
                    day: day.day.to_jiff().strftime("%Y-%m-%d").to_string(),
                    snapshots: day.snapshots,
                    added_bytes: day.stored_bytes,
                })
                .collect(),
            ..Statistics::default()
        };
        let all_sources = self.count_sources(caller, source, &mut statistics).await?;
        if alone && (source.is_none() || all_sources == 1) {
            let repository = self.repository().await?;
            let options = StatisticsOptions::default();
            let sizes =
                blocking("count the repository", move || Ok(repository.statistics(&options)?)).await?;
            statistics.deduplicated_bytes = Some(sizes.deduplicated_bytes);
            statistics.stored_bytes = Some(sizes.stored_bytes);
        }
        Ok(statistics)
    }

    /// Counts the wanted sources; returns how many there are that the caller sees.
    async fn count_sources(
        &self,
        caller: &Caller,
        source: Option<&SourceId>,
        into: &mut Statistics,
    ) -> Result<u64> {
        let mut page = PageRequest::first(1000);
        let filter = SourceFilter { tenant: Self::visible_tenant(caller), ..SourceFilter::default() };
        let mut read = self.read().await?;
        let total = loop {
            let found = read.list_sources(&filter, &page.paging()?).await?;
            for row in found.items.into_iter().filter(|row| source.is_none_or(|source| *source == row.id)) {
                into.sources += 1;
                let counted = read.statistics(None, Some(&row.id)).await?;
                let newest = read.latest_ready(&row.id).await?;
                into.by_source.push(SourceStatistics {
                    source: row.id,
                    name: row.name,
                    kind: row.kind,
                    snapshots: ready_of(&counted.by_state),
                    logical_bytes: counted.logical_bytes,
                    added_bytes: counted.stored_bytes,
                    newest_at: newest.map(|newest| newest.created_at),
                });
            }
            match found.next {
                Some(next) => page.cursor = Some(next),
                None => break found.total,
            }
        };
        into.by_source.sort_by(|a, b| (b.logical_bytes, &a.name).cmp(&(a.logical_bytes, &b.name)));
        into.by_source.truncate(MOST_SOURCES);
        Ok(total)
    }
}

fn ready_of(by_state: &[(SnapshotState, u64)]) -> u64 {
    by_state.iter().filter(|(state, _)| *state == SnapshotState::Ready).map(|(_, count)| count).sum()
}
