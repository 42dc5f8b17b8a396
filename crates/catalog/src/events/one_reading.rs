//! Searches for words on PostgreSQL whose page and count come from the same events: these are read once for both.

use backstay_model::Event;

use super::list::{EventFilter, Facets, Selection};
use super::read::qualified;
use super::search::{NARROW_COUNT, Way, Ways};
use crate::error::Result;
use crate::page::{Paging, Total};
use crate::session::Session;
use crate::sql::{Condition, Fields, Record, sql};

/// An event, how many match among those that were looked at, and how many these were or would have been.
struct Found {
    event: Event,
    total: u64,
    looked_at: u64,
}

impl Record for Found {
    const TABLE: &'static str = Event::TABLE;

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { event: Event::read(fields)?, total: fields.count()?, looked_at: fields.count()? })
    }
}

impl Session {
    /// The first page, and the total with whether it is exact; `None` where page and count are better read apart: behind the first
    /// page, when all matches are counted, when one of both is found another way, or when the few events of [`Way::Narrow`] that are
    /// counted do not fill the page.
    pub(super) async fn events_in_one_reading(
        &mut self,
        filter: &EventFilter,
        facets: &Facets,
        selection: &Selection,
        ways: &Ways,
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<Option<(Vec<Event>, (u64, bool))>> {
        let limit = u64::from(paging.limit) + 1;
        let Total::UpTo(most) = paging.total else { return Ok(None) };
        let first = before.is_none() && paging.offset == 0 && limit <= most;
        let mut condition = selection.condition.clone();
        if !facets.all {
            condition.and_in("events.facet", &facets.wanted);
        }
        let ((with, condition), looked_at, all) = match (ways.count, ways.page) {
            (Way::Backward, Way::Backward) if first => {
                (self.backward(selection, ways, condition, most + 1), "found", most)
            }
            (Way::Narrow, Way::Narrow) if first => (narrow(selection, condition), "newest", NARROW_COUNT),
            _ => return Ok(None),
        };
        let text = format!(
            "WITH {with}
             SELECT {}, (SELECT count(*) FROM found), (SELECT count(*) FROM {looked_at}) FROM events
             WHERE seq IN (SELECT seq FROM found ORDER BY seq DESC LIMIT {limit}) ORDER BY seq DESC",
            qualified(),
        );
        let rows: Vec<Found> = self.all(sql("list events", text).bind_all(condition.values).skewed()).await?;
        let (total, looked_at) = rows.first().map_or((0, 0), |row| (row.total, row.looked_at));
        let mut events: Vec<Event> = rows.into_iter().map(|row| row.event).collect();
        let exact = looked_at <= all && ways.counted_from.is_none();
        let missing = limit.saturating_sub(events.len() as u64);
        match ways.counted_from {
            Some(from) if missing > 0 => {
                let rest = Paging { limit: (missing - 1) as u32, ..paging.clone() };
                events
                    .extend(self.event_page(filter, facets, selection, ways.page, &rest, Some(from)).await?);
            }
            // Without a row nothing tells how many were looked at.
            None if ways.count == Way::Narrow && (events.is_empty() || missing > 0 && !exact) => {
                return Ok(None);
            }
            _ => {}
        }
        Ok(Some((events, (total.min(most), exact && total <= most))))
    }

    /// The newest `limit` matches, found by reading the log backward.
    fn backward(
        &self,
        selection: &Selection,
        ways: &Ways,
        mut condition: Condition,
        limit: u64,
    ) -> (String, Condition) {
        let key = selection.key;
        if let Some(from) = ways.counted_from {
            condition.and(&format!("{key} >= {{}}"), from);
        }
        let tables = if condition.text.contains("events.") {
            self.event_tables(selection, Way::Backward)
        } else {
            "event_text"
        };
        let before = self.with_words(selection, Way::Backward, &mut condition);
        debug_assert!(before.is_empty(), "the index of words is not asked");
        let with = format!(
            "found AS MATERIALIZED (
                 SELECT {key} AS seq FROM {tables} WHERE {} ORDER BY {key} DESC LIMIT {limit})",
            condition.text
        );
        (with, condition)
    }
}

/// The matches among the newest events of [`Way::Narrow`].
fn narrow(selection: &Selection, mut condition: Condition) -> (String, Condition) {
    let inner = condition.text.clone();
    let words = condition.bind(selection.words.as_deref().unwrap_or_default());
    let with = format!(
        "newest AS MATERIALIZED (
             SELECT seq FROM (SELECT events.seq FROM events WHERE {inner} OFFSET 0) AS narrow
             ORDER BY seq DESC LIMIT {}),
         found AS MATERIALIZED (
             SELECT newest.seq FROM newest CROSS JOIN LATERAL (
                 SELECT body FROM event_text WHERE event_text.seq = newest.seq OFFSET 0) AS event_text
             WHERE ts_match_vq(event_text.body, CAST({words} AS tsquery)))",
        NARROW_COUNT + 1
    );
    (with, condition)
}
