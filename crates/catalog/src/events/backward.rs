//! Searches for common words, on PostgreSQL: the log is read backward once, for the page and for the count.

use backstay_model::Event;

use super::list::{Facets, Selection};
use super::read::{Counted, qualified};
use super::search::{Way, Ways};
use crate::error::Result;
use crate::page::{Paging, Total};
use crate::session::Session;
use crate::sql::sql;

impl Session {
    /// The first page, and the total with whether it is exact; `None` where page and count are better read apart: behind the first
    /// page, when all matches are counted, when one of both is found another way, or when what is counted does not fill the page.
    pub(super) async fn events_backward(
        &mut self,
        facets: &Facets,
        selection: &Selection,
        ways: &Ways,
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<Option<(Vec<Event>, (u64, bool))>> {
        let limit = u64::from(paging.limit) + 1;
        let Total::UpTo(most) = paging.total else { return Ok(None) };
        let first = before.is_none() && paging.offset == 0 && limit <= most;
        if !first || (ways.count, ways.page) != (Way::Backward, Way::Backward) {
            return Ok(None);
        }
        let key = selection.key;
        let mut condition = selection.condition.clone();
        if !facets.all {
            condition.and_in("events.facet", &facets.wanted);
        }
        if let Some(from) = ways.counted_from {
            condition.and(&format!("{key} >= {{}}"), from);
        }
        let tables = if condition.text.contains("events.") {
            self.event_tables(selection, Way::Backward)
        } else {
            "event_text"
        };
        let with = self.with_words(selection, Way::Backward, &mut condition);
        debug_assert!(with.is_empty(), "the index of words is not asked");
        let text = format!(
            "WITH found AS MATERIALIZED (
                 SELECT {key} AS seq FROM {tables} WHERE {} ORDER BY {key} DESC LIMIT {})
             SELECT {}, (SELECT count(*) FROM found) FROM events
             WHERE seq IN (SELECT seq FROM found ORDER BY seq DESC LIMIT {limit}) ORDER BY seq DESC",
            condition.text,
            most.saturating_add(1),
            qualified(),
        );
        let rows: Vec<Counted> =
            self.all(sql("list events", text).bind_all(condition.values).skewed()).await?;
        if ways.counted_from.is_some() && (rows.len() as u64) < limit {
            return Ok(None);
        }
        let total = rows.first().map_or(0, |row| row.total);
        let exact = total <= most && ways.counted_from.is_none();
        Ok(Some((rows.into_iter().map(|row| row.event).collect(), (total.min(most), exact))))
    }
}
