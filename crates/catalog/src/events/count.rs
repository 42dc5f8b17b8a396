//! How many events match.

use backstay_model::Timestamp;

use super::list::{EventFilter, Facets, Selection};
use super::search::{Way, Ways};
use crate::buckets::{DAY, cover};
use crate::error::Result;
use crate::page::Total;
use crate::session::Session;
use crate::sql::sql;

impl Session {
    pub(super) async fn count_events(
        &mut self,
        filter: &EventFilter,
        facets: &Facets,
        selection: &Selection,
        ways: &Ways,
        total: Total,
    ) -> Result<(u64, bool)> {
        let scope = match (total, filter.scope()) {
            (Total::Skip, _) => return Ok((0, false)),
            (_, Some(_)) if !filter.is_timed() => return Ok((facets.wanted_count, true)),
            // Actors and sources have no buckets of time.
            (_, scope) => scope.filter(|_| filter.actor.is_none() && filter.source.is_none()),
        };
        let mut condition = if scope.is_some() { self.condition() } else { selection.condition.clone() };
        let text = if let Some(scope) = &scope {
            let cover = cover(filter.stretch(), &[DAY]);
            let (clause, scope) = match &filter.tenant {
                Some(tenant) => {
                    (format!("events.tenant_id = {} AND", condition.bind(tenant)), condition.bind(scope))
                }
                None => (String::new(), condition.bind(scope)),
            };
            let wanted = condition.among("facet", &facets.wanted, facets.all);
            let mut parts = Vec::new();
            for buckets in &cover.whole {
                let (width, from, to) =
                    (condition.bind(buckets.width), condition.bind(buckets.from), condition.bind(buckets.to));
                parts.push(format!(
                    "SELECT sum(count) AS n FROM event_counts WHERE scope = {scope} AND width = {width}
                         AND bucket >= {from} AND bucket < {to} {wanted}"
                ));
            }
            for edge in &cover.edges {
                let narrow = EventFilter {
                    since: Some(Timestamp::from_micros(edge.from)),
                    until: Some(Timestamp::from_micros(edge.to)),
                    ..EventFilter::default()
                };
                let Some((low, high)) = self.event_span(&narrow).await? else { continue };
                let (low, high) = (condition.bind(low), condition.bind(high));
                let (from, to) = (condition.bind(edge.from), condition.bind(edge.to));
                parts.push(format!(
                        "SELECT count(*) AS n FROM events WHERE {clause} events.seq >= {low} AND events.seq <= {high}
                         AND events.at >= {from} AND events.at < {to} {wanted}"
                    ));
            }
            if parts.is_empty() {
                return Ok((0, true));
            }
            format!("SELECT CAST(sum(n) AS BIGINT) FROM ({}) AS parts", parts.join(" UNION ALL "))
        } else {
            // Behind the facet, the index of an actor or a source has the numbers in order.
            if !facets.all || ways.count == Way::Among {
                condition.and_in("events.facet", &facets.wanted);
            }
            if let Some(from) = ways.counted_from {
                condition.and(&format!("{} >= {{}}", selection.key), from);
            }
            let tables = match (filter.text.is_some(), condition.text.contains("events.")) {
                (true, false) => "event_text",
                _ => self.event_tables(selection, ways.count),
            };
            let with = self.with_words(selection, ways.count, &mut condition);
            let clause = if condition.text.is_empty() { "true" } else { condition.text.as_str() };
            match total {
                Total::UpTo(most) => {
                    let order = ways.count.order(selection.key);
                    format!(
                        "{with} SELECT count(*) FROM (
                             SELECT 1 AS one FROM {tables} WHERE {clause} {order} LIMIT {}) AS found",
                        most.saturating_add(1)
                    )
                }
                Total::Exact | Total::Skip => format!("{with} SELECT count(*) FROM {tables} WHERE {clause}"),
            }
        };

        let bounded = scope.is_none();
        let count =
            self.number(sql("count events", text).bind_all(condition.values)).await?.unwrap_or(0) as u64;
        Ok(match total {
            Total::UpTo(most) if bounded => (count.min(most), count <= most && ways.counted_from.is_none()),
            _ => (count, true),
        })
    }
}
