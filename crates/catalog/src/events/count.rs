//! How many events match.

use super::list::{EventFilter, Facets, Selection};
use super::search::{Way, Ways, narrow_count, narrow_total};
use crate::buckets::{DAY, HOUR, PERIOD, cover_by_difference, values};
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
            let cover = cover_by_difference(filter.stretch(), &[PERIOD, DAY]);
            let clause = match &filter.tenant {
                Some(tenant) => format!("events.tenant_id = {} AND", condition.bind(tenant)),
                None => String::new(),
            };
            let scope = condition.bind(scope);
            let wanted = condition.among("facet", &facets.wanted, facets.all);
            let mut parts = Vec::new();
            parts.extend(cover.counted("event_counts", &scope, &wanted, &mut condition));
            let hour = HOUR * 1_000_000;
            let edges = cover
                .edges
                .iter()
                .map(|edge| [edge.from, edge.to, edge.from / hour, (edge.to - 1) / hour + 1, edge.sign]);
            if let Some(edges) = values(&mut condition, edges) {
                let spans = format!(
                    "FROM event_spans WHERE width = {HOUR} AND bucket >= edges.column3 AND bucket < edges.column4"
                );
                parts.push(format!(
                    "SELECT edges.column5 * (
                         SELECT count(*) FROM events
                         WHERE {clause} events.seq >= (SELECT min(first_seq) {spans})
                               AND events.seq <= (SELECT max(last_seq) {spans})
                               AND events.at >= edges.column1 AND events.at < edges.column2 {wanted}) AS n
                     FROM ({edges}) AS edges"
                ));
            }
            if parts.is_empty() {
                return Ok((0, true));
            }
            format!("SELECT CAST(sum(n) AS BIGINT) FROM ({}) AS parts", parts.join(" UNION ALL "))
        } else {
            if !facets.all {
                condition.and_in("events.facet", &facets.wanted);
            }
            if let (Way::Narrow, Total::UpTo(most)) = (ways.count, total) {
                let rows = self.raw(narrow_count(selection, condition)).await?;
                let (found, all) = rows.first().map_or(Ok((0, true)), narrow_total)?;
                return Ok((found.min(most), all && found <= most));
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
        let statement = sql("count events", text).bind_all(condition.values);
        let count = self.number(if bounded { statement.skewed() } else { statement }).await?;
        let count = count.unwrap_or(0) as u64;
        Ok(match total {
            Total::UpTo(most) if bounded => (count.min(most), count <= most && ways.counted_from.is_none()),
            _ => (count, true),
        })
    }
}
