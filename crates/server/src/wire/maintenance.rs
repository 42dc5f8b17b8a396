//! Statistics.

use backstay_api::statistics::{Growth, SourceStatistics, Statistics};
use backstay_service::view;

/// How much is kept.
pub fn statistics(from: view::Statistics) -> Statistics {
    Statistics {
        snapshots: from.snapshots,
        sources: from.sources,
        logical_bytes: from.logical_bytes,
        deduplicated_bytes: from.deduplicated_bytes,
        stored_bytes: from.stored_bytes,
        by_source: from
            .by_source
            .into_iter()
            .map(|source| SourceStatistics {
                source_id: source.source.into(),
                name: source.name,
                kind: source.kind,
                snapshots: source.snapshots,
                logical_bytes: source.logical_bytes,
                added_bytes: source.added_bytes,
                newest_at: source.newest_at,
            })
            .collect(),
        growth: from
            .growth
            .into_iter()
            .map(|day| Growth { day: day.day, snapshots: day.snapshots, added_bytes: day.added_bytes })
            .collect(),
    }
}
