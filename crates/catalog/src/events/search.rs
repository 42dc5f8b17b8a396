//! Which way a search for words goes.
//!
//! Three ways lead to the newest events with some words: the log read backward, the index of words, and the index of an actor,
//! a source or a thing. SQLite's index of words gives its matches newest first, so there it is always right (`among.rs` has the one
//! exception). PostgreSQL's gives them all at once, and its planner, asked for one page, reads the log backward and finds nothing
//! for a long time when the words are rare. So on PostgreSQL the way is chosen here, by how often each of the words occurs in a sample of the log.

use super::list::{EventFilter, Facets, Selection};
use super::read::COLUMNS;
use crate::error::Result;
use crate::page::{Paging, Total};
use crate::session::Session;
use crate::sql::{Condition, Fields, RawRow, Statement, sql};

/// How many of the newest events are in the sample.
const NEAR: i64 = 512;

/// How many more stretches of the log are, spread evenly over it, and how long each is: the newest events may be unlike the rest.
const FAR: (i64, i64) = (8, 64);

/// How many events an actor or a source may have, so that all of them are looked at.
const NARROW: u64 = 20_000;

/// How many events may be read to count all matches.
const COUNT: u64 = 8192;

/// In how many of the newest events matches are counted when not all are.
const COUNT_NEAR: i64 = 2048;

/// In how many, where each is from anywhere in the table.
pub(super) const NARROW_COUNT: u64 = 256;

/// How the events with some words are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As the database likes.
    Planned,
    /// The log is read backward (PostgreSQL).
    Backward,
    /// The index of words gives all of them first (PostgreSQL).
    Index,
    /// The events of an actor, a source or a thing are looked at (PostgreSQL).
    Narrow,
}

/// The ways of one list.
pub(super) struct Ways {
    pub(super) count: Way,
    /// Only from this event on is counted.
    pub(super) counted_from: Option<i64>,
    pub(super) page: Way,
}

impl Way {
    /// The order in which rows must come, so that this way is taken.
    pub(super) fn order(self, key: &str) -> String {
        if self == Self::Backward { format!("ORDER BY {key} DESC") } else { String::new() }
    }
}

/// A sample of the log: how many events it has, and how many of them have the words.
#[derive(Debug, Clone, Copy)]
struct Sample {
    events: u64,
    hits: u64,
}

/// How often the words occur, and what the ways cost, in events that are read one after the other.
#[derive(Debug, Clone, Copy)]
struct Density {
    /// The newest events.
    near: Sample,
    /// Events from everywhere.
    all: Sample,
    /// How many of those have the rarest of the words.
    rarest: u64,
    /// How many of 1000 events with the words are wanted.
    wanted_share: u64,
    /// How many events may be read backward.
    stretch: u64,
    /// How many events the index of words covers.
    log: u64,
}

impl Density {
    /// What it costs to read backward until `wanted` are found.
    fn backward(self, wanted: u64) -> u64 {
        let cost = |sample: Sample, before: u64| match sample.hits * self.wanted_share {
            0 => self.stretch,
            hits => (wanted.saturating_mul(sample.events * 1000) / hits).saturating_add(before),
        };
        self.stretch.min(cost(self.near, 0)).min(cost(self.all, self.near.events))
    }

    /// What it costs to make the list of all matches: for each place of the rarest word the others are looked up.
    fn index(self) -> u64 {
        self.in_log(self.rarest) / 2
    }

    /// How many events of the log match.
    fn matches(self) -> u64 {
        self.in_log(self.all.hits)
    }

    fn in_log(self, hits: u64) -> u64 {
        hits.saturating_mul(self.log) / self.all.events.max(1)
    }

    /// The way to a page of the newest `wanted`. Each match that the index gives is read, from anywhere in the table.
    fn page(self, wanted: u64) -> Way {
        let index = self.index() + self.matches().saturating_mul(4);
        if self.backward(wanted) <= index.max(self.all.events) { Way::Backward } else { Way::Index }
    }

    /// The way to a count of up to `most`; `None` when each of them costs too much.
    fn count(self, most: u64) -> Option<Way> {
        let (backward, index) = (self.backward(most), self.index() + self.matches().min(most));
        match backward.min(index) {
            cost if cost > COUNT => None,
            _ if backward <= index.max(self.all.events) => Some(Way::Backward),
            _ => Some(Way::Index),
        }
    }
}

impl Session {
    /// Whether few events remain of the filter without its words.
    pub(super) fn is_narrow_search(&self, filter: &EventFilter, facets: &Facets) -> bool {
        let few = (filter.actor.is_some() || filter.source.is_some()) && facets.wanted_count <= NARROW;
        self.is_postgres() && filter.text.is_some() && (few || filter.subject.is_some())
    }

    /// The ways to the number of matches and to a page of them. They are the same for every page, so that all of them tell the
    /// same number.
    pub(super) async fn event_ways(
        &mut self,
        facets: &Facets,
        selection: &Selection,
        narrow: bool,
        paging: &Paging,
    ) -> Result<Ways> {
        let words = match &selection.words {
            Some(words) if self.is_postgres() && !narrow => words,
            _ => {
                let way = if narrow { Way::Narrow } else { Way::Planned };
                return Ok(Ways { count: way, counted_from: None, page: way });
            }
        };
        let log = self.event_head().await?.0;
        let (low, high) = selection.span.unwrap_or((1, log as i64));
        let density = Density {
            wanted_share: facets.wanted_count.saturating_mul(1000).div_ceil(facets.all_count.max(1)),
            stretch: between(low, high),
            log,
            ..self.sample_words(words, low, high).await?
        };
        let page = density.page(u64::from(paging.limit) + 1 + paging.offset);
        let (count, counted_from) = match paging.total {
            Total::UpTo(most) => match density.count(most) {
                Some(way) => (way, None),
                None => (Way::Backward, Some(low.max(high.saturating_sub(COUNT_NEAR - 1)))),
            },
            Total::Exact | Total::Skip => (Way::Planned, None),
        };
        Ok(Ways { count, counted_from, page })
    }

    /// How often the words occur between two numbers, both included.
    async fn sample_words(&mut self, words: &str, low: i64, high: i64) -> Result<Density> {
        let near = low.max(high.saturating_sub(NEAR - 1));
        let mut ranges = vec![(near, high)];
        let step = (near - low) / FAR.0;
        if step > FAR.1 {
            ranges.extend((0..FAR.0).map(|n| (low + n * step, low + n * step + FAR.1 - 1)));
        } else {
            ranges[0].0 = low.max(near - FAR.0 * FAR.1);
        }
        let near = ranges[0].0;

        let mut condition = self.condition();
        let has = |words: &str, condition: &mut Condition| {
            let place = condition.bind(words);
            format!("ts_match_vq(body, CAST({place} AS tsquery))")
        };
        let all = has(words, &mut condition);
        // A query is words with `&` between them.
        let each: Vec<String> = words
            .split(" & ")
            .map(|word| format!("count(*) FILTER (WHERE {})", has(word, &mut condition)))
            .collect();
        let from = condition.bind(near);
        let within: Vec<String> = ranges
            .iter()
            .map(|(from, to)| format!("seq BETWEEN {} AND {}", condition.bind(*from), condition.bind(*to)))
            .collect();
        let text = format!(
            "SELECT count(*) FILTER (WHERE {all} AND seq >= {from}), count(*) FILTER (WHERE {all}), least({})
             FROM event_text WHERE {}",
            each.join(", "),
            within.join(" OR ")
        );
        let rows = self.raw(sql("look for words", text).bind_all(condition.values)).await?;
        let (near_hits, hits, rarest) = match rows.first() {
            Some(row) => {
                let mut fields = Fields::new("event_text", row);
                (fields.count()?, fields.count()?, fields.count()?)
            }
            None => (0, 0, 0),
        };
        Ok(Density {
            near: Sample { events: between(near, high), hits: near_hits },
            all: Sample { events: ranges.iter().map(|(from, to)| between(*from, *to)).sum(), hits },
            rarest,
            wanted_share: 1000,
            stretch: between(low, high),
            log: between(low, high),
        })
    }

    /// The tables of a selection that is read in this way.
    pub(super) fn event_tables(&self, selection: &Selection, way: Way) -> &'static str {
        match (selection.words.is_some(), way) {
            (false, _) => "events",
            (true, Way::Planned) if self.is_postgres() => {
                "event_text JOIN events ON events.seq = event_text.seq"
            }
            (true, Way::Planned) => "event_text CROSS JOIN events ON events.seq = event_text.rowid",
            // Behind the OFFSET the planner cannot turn the order of the two tables round, nor merge them.
            (true, Way::Backward | Way::Index) => {
                "event_text CROSS JOIN LATERAL (
                     SELECT * FROM events WHERE events.seq = event_text.seq OFFSET 0) AS events"
            }
            (true, Way::Narrow) => {
                "events CROSS JOIN LATERAL (
                     SELECT * FROM event_text WHERE event_text.seq = events.seq OFFSET 0) AS event_text"
            }
        }
    }

    /// Adds the words to the condition; returns what goes before the query.
    pub(super) fn with_words(&self, selection: &Selection, way: Way, condition: &mut Condition) -> String {
        let Some(words) = selection.words.as_deref() else { return String::new() };
        match (self.is_postgres(), way) {
            (false, _) => condition.and("event_text MATCH {}", words),
            (true, Way::Planned) => condition.and("event_text.body @@ CAST({} AS tsquery)", words),
            // The function of the operator `@@`, for which the planner knows no index.
            (true, Way::Backward | Way::Narrow) => {
                condition.and("ts_match_vq(event_text.body, CAST({} AS tsquery))", words);
            }
            (true, Way::Index) => {
                // It takes the table's place. A materialized query is planned as if all of its rows were wanted.
                let place = condition.bind(words);
                return format!(
                    "WITH event_text AS MATERIALIZED (
                         SELECT seq FROM event_text WHERE body @@ CAST({place} AS tsquery))"
                );
            }
        }
        String::new()
    }
}

/// How many numbers there are from one to another, both included.
fn between(from: i64, to: i64) -> u64 {
    u64::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(0)
}

/// A page of [`Way::Narrow`]: the numbers come in order from an index alone, so that the words of no more events are read than
/// the page needs.
pub(super) fn narrow_page(
    selection: &Selection,
    mut condition: Condition,
    limit: u64,
    offset: u64,
) -> Statement {
    let inner = condition.text.clone();
    let words = condition.bind(selection.words.as_deref().unwrap_or_default());
    let text = format!(
        "SELECT {COLUMNS} FROM events WHERE seq IN (
             SELECT newest.seq
             FROM (SELECT events.seq FROM events WHERE {inner} ORDER BY events.seq DESC OFFSET 0) AS newest
                  CROSS JOIN LATERAL (
                      SELECT body FROM event_text WHERE event_text.seq = newest.seq OFFSET 0) AS event_text
             WHERE ts_match_vq(event_text.body, CAST({words} AS tsquery))
             ORDER BY newest.seq DESC LIMIT {limit} OFFSET {offset})
         ORDER BY seq DESC"
    );
    sql("list events", text).bind_all(condition.values)
}

/// How many of the newest events of [`Way::Narrow`] have the words, and how many were looked at: one more than
/// [`NARROW_COUNT`] when there are others.
pub(super) fn narrow_count(selection: &Selection, mut condition: Condition) -> Statement {
    let inner = condition.text.clone();
    let words = condition.bind(selection.words.as_deref().unwrap_or_default());
    let text = format!(
        "SELECT count(*) FILTER (WHERE ts_match_vq(event_text.body, CAST({words} AS tsquery))), count(*)
         FROM (SELECT seq FROM (SELECT events.seq FROM events WHERE {inner} OFFSET 0) AS narrow
               ORDER BY seq DESC LIMIT {}) AS newest
              CROSS JOIN LATERAL (
                  SELECT body FROM event_text WHERE event_text.seq = newest.seq OFFSET 0) AS event_text",
        NARROW_COUNT + 1
    );
    sql("count events", text).bind_all(condition.values)
}

/// What [`narrow_count`] found: how many have the words, and whether that is all.
pub(super) fn narrow_total(row: &RawRow) -> Result<(u64, bool)> {
    let mut fields = Fields::new("event_text", row);
    let (found, looked_at) = (fields.count()?, fields.count()?);
    Ok((found, looked_at <= NARROW_COUNT))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: u64 = 5_000_000;

    fn ways(hits: u64, rarest: u64, stretch: u64) -> (Way, Option<Way>) {
        let all = Sample { events: 2048.min(stretch), hits };
        let near = Sample { events: all.events / 2, hits: hits / 2 };
        let density = Density { near, all, rarest, wanted_share: 1000, stretch, log: LOG };
        (density.page(51), density.count(1000))
    }

    #[test]
    fn rare_words_are_found_by_their_index_and_common_ones_in_the_newest_events() {
        assert_eq!(ways(0, 0, LOG), (Way::Index, Some(Way::Index)));
        assert_eq!(ways(1, 1, LOG), (Way::Index, Some(Way::Index)));
        assert_eq!(ways(5, 5, LOG), (Way::Backward, Some(Way::Index)));
        assert_eq!(ways(400, 900, LOG), (Way::Backward, Some(Way::Backward)));
    }

    #[test]
    fn common_words_that_are_rarely_together_are_not_all_counted() {
        assert_eq!(ways(20, 100, LOG), (Way::Backward, None));
    }

    #[test]
    fn the_newest_events_may_be_unlike_the_rest() {
        let (near, all) = (Sample { events: 1024, hits: 0 }, Sample { events: 2048, hits: 200 });
        let density = Density { near, all, rarest: 500, wanted_share: 1000, stretch: LOG, log: LOG };
        assert_eq!((density.page(51), density.count(100)), (Way::Backward, Some(Way::Backward)));
    }

    #[test]
    fn a_short_stretch_is_read() {
        for stretch in [2048, 1, 0] {
            assert_eq!(ways(0, 0, stretch), (Way::Backward, Some(Way::Backward)), "{stretch}");
        }
    }
}
