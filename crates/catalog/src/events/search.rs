//! Which way a search for words goes.
//!
//! Two ways lead to the newest events with some words: the log read backward, or the index of words. SQLite's index gives its
//! matches newest first, so there it is always right. PostgreSQL's gives them all at once, and its planner, asked for one
//! page, reads the log backward and finds nothing for a long time when the words are rare. So the way is chosen here, by how
//! often the words occur among the newest events.

use super::list::{EventFilter, Facets, Selection};
use crate::error::Result;
use crate::page::{Paging, Total};
use crate::session::Session;
use crate::sql::{Condition, sql};

/// How many of the newest events are looked at.
const SAMPLE: i64 = 4096;

/// A match that is only counted costs this part of one that is read.
const COUNTED: u64 = 16;

/// How the events with some words are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As the database likes.
    Planned,
    /// The log is read backward (PostgreSQL).
    Backward,
    /// The index of words gives all of them first (PostgreSQL).
    Index,
}

/// The ways of one list.
pub(super) struct Ways {
    pub(super) count: Way,
    pub(super) page: Way,
}

impl Way {
    /// The order in which rows must come, so that this way is taken.
    pub(super) fn order(self, key: &str) -> String {
        if self == Self::Backward { format!("ORDER BY {key} DESC") } else { String::new() }
    }
}

/// How often the words occur.
#[derive(Debug, Clone, Copy)]
struct Density {
    /// How many events of the sample match.
    hits: u64,
    /// How many events the sample has.
    sample: u64,
    /// How many events may be read backward.
    stretch: u64,
    /// How many events the index of words covers.
    log: u64,
}

impl Density {
    /// The way to the newest `wanted` matches, when a match that the index gives costs the `share`th part of reading an event.
    fn way(self, wanted: u64, share: u64) -> Way {
        let backward = match self.hits {
            0 => self.stretch,
            hits => self.stretch.min(wanted.saturating_mul(self.sample) / hits),
        };
        let matches = u128::from(self.hits) * u128::from(self.log) / u128::from(self.sample.max(1));
        if u128::from(backward) <= (matches / u128::from(share)).max(u128::from(self.sample)) {
            Way::Backward
        } else {
            Way::Index
        }
    }
}

impl Session {
    /// The ways to the number of matches and to a page of them.
    pub(super) async fn event_way(
        &mut self,
        filter: &EventFilter,
        facets: &Facets,
        selection: &Selection,
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<Ways> {
        if selection.words.is_none() || !self.is_postgres() {
            return Ok(Ways { count: Way::Planned, page: Way::Planned });
        }
        let log = self.event_head().await?.0;
        let (low, high) = selection.span.unwrap_or((1, log as i64));
        let high = before.map_or(high, |before| high.min(before.saturating_sub(1)));
        let from = low.max(high.saturating_sub(SAMPLE - 1));
        let mut condition = selection.condition.clone();
        if !facets.all {
            condition.and_in("events.facet", &facets.wanted);
        }
        let tables =
            if condition.text.contains("events.") { self.event_tables(filter) } else { "event_text" };
        condition.and(&format!("{} >= {{}}", self.event_key(filter)), from);
        condition.and(&format!("{} <= {{}}", self.event_key(filter)), high);
        let with = self.with_words(selection, Way::Backward, &mut condition);
        let text = format!("{with} SELECT count(*) FROM {tables} WHERE {}", condition.text);
        let hits = self.number(sql("look for words", text).bind_all(condition.values)).await?.unwrap_or(0);
        let count = |from: i64| u64::try_from(high - from + 1).unwrap_or(0);
        let density = Density { hits: hits as u64, sample: count(from), stretch: count(low), log };
        let page = density.way(u64::from(paging.limit) + 1 + paging.offset, 1);
        let count = match paging.total {
            Total::UpTo(most) => density.way(most, COUNTED),
            Total::Exact | Total::Skip => Way::Planned,
        };
        Ok(Ways { count, page })
    }

    /// Adds the words to the condition; returns what goes before the query.
    pub(super) fn with_words(&self, selection: &Selection, way: Way, condition: &mut Condition) -> String {
        let Some(words) = &selection.words else { return String::new() };
        if way == Way::Index {
            // It takes the table's place. A materialized query is planned as if all of its rows were wanted.
            let place = condition.bind(words.clone());
            return format!(
                "WITH event_text AS MATERIALIZED (
                     SELECT seq FROM event_text WHERE body @@ CAST({place} AS tsquery))"
            );
        }
        condition.and(self.event_match(way), words.clone());
        String::new()
    }

    /// The condition that an event has the words.
    pub(super) fn event_match(&self, way: Way) -> &'static str {
        match (self.is_postgres(), way) {
            (false, _) => "event_text MATCH {}",
            // The function of the operator `@@`, for which the planner knows no index.
            (true, Way::Backward) => "ts_match_vq(event_text.body, CAST({} AS tsquery))",
            (true, _) => "event_text.body @@ CAST({} AS tsquery)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: u64 = 5_000_000;

    fn way(hits: u64, stretch: u64) -> (Way, Way) {
        let density = Density { hits, sample: 4096.min(stretch), stretch, log: LOG };
        (density.way(51, 1), density.way(1000, COUNTED))
    }

    #[test]
    fn rare_words_are_found_by_their_index_and_common_ones_in_the_newest_events() {
        assert_eq!(way(0, LOG), (Way::Index, Way::Index));
        assert_eq!(way(1, LOG), (Way::Index, Way::Index));
        assert_eq!(way(40, LOG), (Way::Backward, Way::Index));
        assert_eq!(way(1000, LOG), (Way::Backward, Way::Backward));
    }

    #[test]
    fn a_short_stretch_is_read() {
        assert_eq!(way(0, 4096), (Way::Backward, Way::Backward));
        assert_eq!(way(0, 1), (Way::Backward, Way::Backward));
        assert_eq!(way(0, 0), (Way::Backward, Way::Backward));
    }
}
