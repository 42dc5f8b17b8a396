//! Searching the log, newest first.
//!
//! As with snapshots, counters tell which facets (action and outcome) exist in the scope and how often; a page is the
//! merge of the wanted facets, each read from its own stretch of an index.

use backstay_model::{Event, Outcome, SourceId, Subject, TenantId, Timestamp};

use super::append::actor_word;
use super::read::{COLUMNS, qualified};
use super::search::{Way, narrow_page};
use crate::buckets::{DAY, HOUR, Stretch, cover};
use crate::error::Result;
use crate::page::{Page, Paging};
use crate::session::Session;
use crate::sql::{Condition, Fields, NewestOfFacets, sql};
use crate::words::{scope_word, text_query};

/// Which events to read. Empty lists and `None` do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of the actor with this id.
    pub actor: Option<String>,
    /// Only actions that begin with one of these, for example `snapshot.` or `snapshot.deleted`.
    pub actions: Vec<String>,
    /// Not actions that begin with one of these.
    pub without: Vec<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only those about this source.
    pub source: Option<SourceId>,
    /// Only those about this thing; an empty type stands for any.
    pub subject: Option<Subject>,
    /// Only those at or after this time.
    pub since: Option<Timestamp>,
    /// Only those before this time.
    pub until: Option<Timestamp>,
    /// Only those in which all of these words occur; `word*` stands for its beginning.
    pub text: Option<String>,
}

/// What to read in the order of the log.
pub(crate) struct Matching {
    tables: &'static str,
    key: &'static str,
    condition: Condition,
}

impl Matching {
    /// A query for `columns` of up to `limit` matching events after `seq`, up to `newest`.
    pub(crate) fn between(&self, columns: &str, seq: u64, newest: u64, limit: u32) -> (String, Condition) {
        let mut condition = self.condition.clone();
        condition.and(&format!("{} > {{}}", self.key), seq);
        condition.and(&format!("{} <= {{}}", self.key), newest);
        let text = format!(
            "SELECT {columns} FROM {} WHERE {} ORDER BY {} LIMIT {limit}",
            self.tables, condition.text, self.key
        );
        (text, condition)
    }
}

/// How a selection is going to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Newest first, a page at a time.
    Pages,
    /// As [`Way::Narrow`] says.
    Narrow,
    /// Among the events of an actor or a source.
    Among,
    /// All of it, in the order of the log.
    Whole,
}

/// What a filter asks for, apart from the facets.
pub(super) struct Selection {
    pub(super) condition: Condition,
    /// The column that orders the list.
    pub(super) key: &'static str,
    /// What the index of words is asked.
    pub(super) words: Option<String>,
    /// Between which numbers the events lie, where the filter has a time.
    pub(super) span: Option<(i64, i64)>,
}

/// The facets of a scope.
pub(super) struct Facets {
    pub(super) wanted: Vec<i64>,
    pub(super) wanted_count: u64,
    pub(super) all_count: u64,
    pub(super) all: bool,
}

impl EventFilter {
    pub(super) fn is_timed(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    pub(super) fn stretch(&self) -> Stretch {
        Stretch {
            from: self.since.map_or(0, |since| since.as_micros().max(0)),
            to: self.until.map_or(i64::MAX, Timestamp::as_micros),
        }
    }

    /// The counters that cover the list exactly; `None` when none do.
    pub(super) fn scope(&self) -> Option<String> {
        if self.subject.is_some() || self.text.is_some() {
            return None;
        }
        match (&self.tenant, &self.actor, &self.source) {
            (None, None, None) => Some("*".to_owned()),
            (Some(tenant), None, None) => Some(format!("t/{tenant}")),
            (Some(tenant), Some(actor), None) => Some(format!("a/{tenant}/{actor}")),
            (Some(tenant), None, Some(source)) => Some(format!("s/{tenant}/{source}")),
            _ => None,
        }
    }

    /// The counters that cover the list and more.
    fn wider_scope(&self) -> String {
        match (&self.tenant, &self.actor, &self.source) {
            (Some(tenant), Some(actor), _) => format!("a/{tenant}/{actor}"),
            (Some(tenant), None, Some(source)) => format!("s/{tenant}/{source}"),
            (Some(tenant), None, None) => format!("t/{tenant}"),
            (None, _, _) => "*".to_owned(),
        }
    }
}

impl Session {
    /// Events, newest first.
    ///
    /// The total is exact under [`Total::Exact`]; that costs time in proportion to the matches when `text`, `subject`, or two
    /// of actor, source and tenant-less search come together. [`Total::UpTo`] bounds it.
    pub async fn list_events(&mut self, filter: &EventFilter, paging: &Paging) -> Result<Page<Event>> {
        let before = paging.position()?;
        let facets = self.event_facets(filter).await?;
        if facets.wanted.is_empty() {
            return Ok(Page::empty());
        }
        let narrow = self.is_narrow_search(filter, &facets);
        let among = self.is_among(filter, &facets);
        let reading = match (among, narrow) {
            (true, _) => Reading::Among,
            (_, true) => Reading::Narrow,
            _ => Reading::Pages,
        };
        let Some(selection) = self.event_selection(filter, reading).await? else { return Ok(Page::empty()) };
        if among {
            let (items, total) = self.events_among(&facets, &selection, paging, before).await?;
            return Ok(Page::cut(items, paging.limit, total, |event| event.seq as i64));
        }
        let ways = self.event_ways(&facets, &selection, narrow, paging).await?;
        if let Some((items, total)) =
            self.events_in_one_reading(filter, &facets, &selection, &ways, paging, before).await?
        {
            return Ok(Page::cut(items, paging.limit, total, |event| event.seq as i64));
        }
        let total = self.count_events(filter, &facets, &selection, &ways, paging.total).await?;
        let items = self.event_page(filter, &facets, &selection, ways.page, paging, before).await?;
        Ok(Page::cut(items, paging.limit, total, |event| event.seq as i64))
    }

    pub(super) async fn event_facets(&mut self, filter: &EventFilter) -> Result<Facets> {
        let text = "SELECT c.facet, c.count, f.action, f.outcome
                    FROM event_counts c JOIN event_facets f ON f.facet = c.facet
                    WHERE c.scope = $1 AND c.width = 0 AND c.bucket = 0";
        let rows = self.raw(sql("read the counters", text).bind(filter.wider_scope())).await?;
        let mut facets = Facets { wanted: Vec::new(), wanted_count: 0, all_count: 0, all: true };
        for row in &rows {
            let mut fields = Fields::new("event_counts", row);
            let (number, count) = (fields.int()?, fields.count()?);
            let (action, outcome) = (fields.text()?, fields.text()?);
            facets.all_count += count;
            let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| action.starts_with(prefix));
            let wanted = (filter.actions.is_empty() || begins(&filter.actions))
                && !begins(&filter.without)
                && filter.outcome.is_none_or(|wanted| wanted.as_str() == outcome);
            if wanted {
                facets.wanted.push(number);
                facets.wanted_count += count;
            } else {
                facets.all = false;
            }
        }
        Ok(facets)
    }

    /// The numbers between which all events of the filter's time lie; `None` when there are none.
    pub(super) async fn event_span(&mut self, filter: &EventFilter) -> Result<Option<(i64, i64)>> {
        let stretch = filter.stretch();
        let cover = cover(stretch, &[DAY, HOUR]);
        let hour = HOUR * 1_000_000;
        let mut condition = self.condition();
        let mut parts = Vec::new();
        let mut part = |condition: &mut Condition, width: i64, from: i64, to: i64| {
            let (width, from, to) = (condition.bind(width), condition.bind(from), condition.bind(to));
            parts.push(format!(
                "SELECT min(first_seq) AS low, max(last_seq) AS high FROM event_spans
                 WHERE width = {width} AND bucket >= {from} AND bucket < {to}"
            ));
        };
        for buckets in &cover.whole {
            part(&mut condition, buckets.width, buckets.from, buckets.to);
        }
        for edge in &cover.edges {
            part(&mut condition, HOUR, edge.from / hour, (edge.to - 1) / hour + 1);
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let text = format!("SELECT min(low), max(high) FROM ({}) AS parts", parts.join(" UNION ALL "));
        let rows = self.raw(sql("find a stretch of the log", text).bind_all(condition.values)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let mut fields = Fields::new("event_spans", row);
        Ok(fields.optional_int()?.zip(fields.optional_int()?))
    }

    /// Everything that the filter asks for but the facets; `None` when nothing can match.
    pub(super) async fn event_selection(
        &mut self,
        filter: &EventFilter,
        reading: Reading,
    ) -> Result<Option<Selection>> {
        let mut condition = self.condition();
        // The index of words knows the scope too, unless the scope's own index is the better one.
        let scoped = filter.text.is_some() && reading != Reading::Narrow;
        let words = match &filter.text {
            Some(text) => {
                let mut exact = Vec::new();
                if scoped {
                    match (&filter.tenant, &filter.actor) {
                        (Some(tenant), Some(actor)) => exact.push(actor_word(tenant, actor)),
                        (Some(tenant), None) => exact.push(scope_word('t', tenant.as_str())),
                        (None, Some(actor)) => exact.push(scope_word('a', actor)),
                        (None, None) => {}
                    }
                    exact.extend(filter.source.as_ref().map(|source| scope_word('s', source.as_str())));
                }
                let Some(query) = text_query(text, &exact, self.is_postgres()) else { return Ok(None) };
                Some(query)
            }
            None => None,
        };
        let key = match (scoped && reading != Reading::Among, self.is_postgres()) {
            (false, _) => "events.seq",
            (true, false) => "event_text.rowid",
            (true, true) => "event_text.seq",
        };
        if !scoped || reading == Reading::Among {
            let whole = reading == Reading::Whole;
            if let Some(tenant) = &filter.tenant {
                let narrower =
                    whole || filter.actor.is_some() || filter.source.is_some() || filter.subject.is_some();
                // A time narrows the number and the moment alike, which PostgreSQL takes for two things: the index of a tenant
                // would seem better to it than that of an actor.
                let column = if narrower && reading == Reading::Narrow && self.is_postgres() {
                    "events.tenant_id || ''".to_owned()
                } else {
                    self.soft("events.tenant_id", narrower)
                };
                condition.and(&format!("{column} = {{}}"), tenant);
            }
            if let Some(actor) = &filter.actor {
                let narrower = whole || filter.subject.is_some();
                condition.and(&format!("{} = {{}}", self.soft("events.actor_id", narrower)), actor);
            }
            if let Some(source) = &filter.source {
                let narrower = whole || filter.actor.is_some() || filter.subject.is_some();
                condition.and(&format!("{} = {{}}", self.soft("events.source_id", narrower)), source);
            }
        }
        if let Some(subject) = &filter.subject {
            condition.and("events.subject_id = {}", &subject.id);
            if !subject.kind.is_empty() {
                condition.and("events.subject_type = {}", &subject.kind);
            }
        }
        let mut span = None;
        if filter.is_timed() {
            let Some((low, high)) = self.event_span(filter).await? else { return Ok(None) };
            condition.and(&format!("{key} >= {{}}"), low);
            condition.and(&format!("{key} <= {{}}"), high);
            let stretch = filter.stretch();
            condition.and("events.at >= {}", stretch.from);
            condition.and("events.at < {}", stretch.to);
            span = Some((low, high));
        }
        Ok(Some(Selection { condition, key, words, span }))
    }

    /// `column` so that SQLite looks for no index of it, where another one is narrower.
    pub(crate) fn soft(&self, column: &str, soft: bool) -> String {
        if soft && !self.is_postgres() { format!("+{column}") } else { column.to_owned() }
    }

    /// What to read in the order of the log; `None` when nothing can match.
    pub(crate) async fn matching_events(&mut self, filter: &EventFilter) -> Result<Option<Matching>> {
        // The log is read in its order; only a thing has so few events that its index is better.
        let Some(selection) = self.event_selection(filter, Reading::Whole).await? else { return Ok(None) };
        let mut condition = selection.condition.clone();
        self.with_words(&selection, Way::Planned, &mut condition);
        if !filter.actions.is_empty() || !filter.without.is_empty() || filter.outcome.is_some() {
            let facets = self.event_facets(filter).await?;
            if facets.wanted.is_empty() {
                return Ok(None);
            }
            if !facets.all {
                condition.and_in(&self.soft("events.facet", true), &facets.wanted);
            }
        }
        Ok(Some(Matching {
            tables: self.event_tables(&selection, Way::Planned),
            key: selection.key,
            condition,
        }))
    }

    pub(super) async fn event_page(
        &mut self,
        filter: &EventFilter,
        facets: &Facets,
        selection: &Selection,
        way: Way,
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<Vec<Event>> {
        let limit = u64::from(paging.limit) + 1;
        let offset = paging.offset;
        let key = selection.key;
        let mut condition = selection.condition.clone();
        if let Some(before) = before {
            condition.and(&format!("{key} < {{}}"), before);
        }
        let by_facets = !facets.all || filter.actor.is_some() || filter.source.is_some();
        if filter.text.is_some() || filter.subject.is_some() || !by_facets {
            if !facets.all {
                condition.and_in("events.facet", &facets.wanted);
            }
            if way == Way::Narrow {
                let newest = narrow_page(selection, condition, limit, offset);
                return self.all(newest).await;
            }
            let with = self.with_words(selection, way, &mut condition);
            let clause = if condition.text.is_empty() { "true" } else { condition.text.as_str() };
            let text = format!(
                "{with} SELECT {} FROM {} WHERE {clause} ORDER BY {key} DESC LIMIT {limit} OFFSET {offset}",
                qualified(),
                self.event_tables(selection, way),
            );
            let statement = sql("list events", text).bind_all(condition.values);
            let skewed = filter.text.is_some() || filter.subject.is_some();
            return self.all(if skewed { statement.skewed() } else { statement }).await;
        }
        let newest = NewestOfFacets { table: "events", key: "seq", facets: &facets.wanted, limit, offset };
        let newest = newest.query(&mut condition);
        let text = format!("SELECT {COLUMNS} FROM events WHERE seq IN ({newest}) ORDER BY seq DESC");
        self.all(sql("list events", text).bind_all(condition.values)).await
    }
}
