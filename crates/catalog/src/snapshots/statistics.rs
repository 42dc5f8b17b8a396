//! Statistics, read from the maintained counters.

use backstay_model::{SnapshotState, SourceId, TenantId, Timestamp};

use super::facet::Facet;
use crate::buckets::{DAY, HOUR};
use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, sql};

/// How much there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// How many snapshots are in each state.
    pub by_state: Vec<(SnapshotState, u64)>,
    /// The sizes of all ready snapshots added up.
    pub logical_bytes: u64,
    /// What the ready snapshots added, before compression.
    pub added_bytes: u64,
    /// What the ready snapshots added to the repository.
    pub stored_bytes: u64,
}

/// What the snapshots of one day added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    /// The beginning of the day, in UTC.
    pub day: Timestamp,
    /// How many snapshots were taken that are ready.
    pub snapshots: u64,
    /// Their sizes added up.
    pub logical_bytes: u64,
    /// What they added, before compression.
    pub added_bytes: u64,
    /// What they added to the repository.
    pub stored_bytes: u64,
}

fn scope(tenant: Option<&TenantId>, source: Option<&SourceId>) -> String {
    match (source, tenant) {
        (Some(source), _) => format!("s/{source}"),
        (None, Some(tenant)) => format!("t/{tenant}"),
        (None, None) => "*".to_owned(),
    }
}

impl Session {
    /// How much there is in a source, in a tenant, or in all.
    pub async fn statistics(
        &mut self,
        tenant: Option<&TenantId>,
        source: Option<&SourceId>,
    ) -> Result<Statistics> {
        let text = "SELECT facet, count, logical_bytes, added_bytes, stored_bytes FROM snapshot_counts
                    WHERE scope = $1 AND width = 0 AND bucket = 0 AND count > 0";
        let rows = self.raw(sql("read the statistics", text).bind(scope(tenant, source))).await?;
        let mut statistics = Statistics {
            by_state: SnapshotState::ALL.iter().map(|state| (*state, 0)).collect(),
            ..Statistics::default()
        };
        for row in &rows {
            let mut fields = Fields::new("snapshot_counts", row);
            let (facet, count) = (fields.int()?, fields.count()?);
            let Some(facet) = Facet::from_number(facet) else { continue };
            for (state, total) in &mut statistics.by_state {
                *total += if *state == facet.state { count } else { 0 };
            }
            if facet.state == SnapshotState::Ready {
                statistics.logical_bytes += fields.count()?;
                statistics.added_bytes += fields.count()?;
                statistics.stored_bytes += fields.count()?;
            }
        }
        Ok(statistics)
    }

    /// What each day between `since` and `until` added; days without snapshots are left out.
    pub async fn growth(
        &mut self,
        tenant: Option<&TenantId>,
        source: Option<&SourceId>,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Growth>> {
        let text = "SELECT bucket, facet, count, logical_bytes, added_bytes, stored_bytes FROM snapshot_counts
                    WHERE scope = $1 AND width = $2 AND bucket >= $3 AND bucket <= $4 AND count > 0 ORDER BY bucket";
        let statement = sql("read the growth", text)
            .bind(scope(tenant, source))
            .bind(DAY)
            .bind(since.as_seconds() / DAY)
            .bind(until.as_seconds() / DAY);
        let mut days: Vec<Growth> = Vec::new();
        for row in &self.raw(statement).await? {
            let mut fields = Fields::new("snapshot_counts", row);
            let (bucket, facet, count) = (fields.int()?, fields.int()?, fields.count()?);
            if Facet::from_number(facet).is_none_or(|facet| facet.state != SnapshotState::Ready) {
                continue;
            }
            let day = Timestamp::EPOCH.plus_seconds(bucket * 24 * HOUR);
            if days.last().is_none_or(|last| last.day != day) {
                days.push(Growth { day, snapshots: 0, logical_bytes: 0, added_bytes: 0, stored_bytes: 0 });
            }
            let last = days.last_mut().expect("a day was pushed");
            last.snapshots += count;
            last.logical_bytes += fields.count()?;
            last.added_bytes += fields.count()?;
            last.stored_bytes += fields.count()?;
        }
        Ok(days)
    }
}
