//! Searching the log, newest first.
//!
//! As with snapshots, counters tell which facets (action and outcome) exist in the scope and how often; a page is the
//! merge of the wanted facets, each read from its own stretch of an index.

use backstay_model::{Event, Outcome, SourceId, Subject, TenantId, Timestamp};

use super::read::{COLUMNS, qualified};
use crate::buckets::{DAY, HOUR, Stretch, cover};
use crate::error::Result;
use crate::page::{Page, Paging, Total};
use crate::session::Session;
use crate::snapshots::Condition;
use crate::sql::{Fields, sql};
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

/// The facets of a scope.
struct Facets {
    wanted: Vec<i64>,
    wanted_count: u64,
    all: bool,
}

impl EventFilter {
    fn is_timed(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    fn stretch(&self) -> Stretch {
        Stretch {
            from: self.since.map_or(0, |since| since.as_micros().max(0)),
            to: self.until.map_or(i64::MAX, Timestamp::as_micros),
        }
    }

    /// The counters that cover the list exactly; `None` when none do.
    fn scope(&self) -> Option<String> {
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
        let span = if filter.is_timed() {
            match self.event_span(filter).await? {
                Some(span) => Some(span),
                None => return Ok(Page::empty()),
            }
        } else {
            None
        };
        let Some(condition) = self.event_condition(filter, span, false) else { return Ok(Page::empty()) };
        let total = self.count_events(filter, &facets, &condition, paging.total).await?;
        let items = self.event_page(filter, &facets, condition, paging, before).await?;
        Ok(Page::cut(items, paging.limit, total, |event| event.seq as i64))
    }

    async fn event_facets(&mut self, filter: &EventFilter) -> Result<Facets> {
        let text = "SELECT c.facet, c.count, f.action, f.outcome
                    FROM event_counts c JOIN event_facets f ON f.facet = c.facet
                    WHERE c.scope = $1 AND c.width = 0 AND c.bucket = 0";
        let rows = self.raw(sql("read the counters", text).bind(filter.wider_scope())).await?;
        let mut facets = Facets { wanted: Vec::new(), wanted_count: 0, all: true };
        for row in &rows {
            let mut fields = Fields::new("event_counts", row);
            let (number, count) = (fields.int()?, fields.count()?);
            let (action, outcome) = (fields.text()?, fields.text()?);
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
    async fn event_span(&mut self, filter: &EventFilter) -> Result<Option<(i64, i64)>> {
        let stretch = filter.stretch();
        let cover = cover(stretch, &[DAY, HOUR]);
        let hour = HOUR * 1_000_000;
        let mut condition = Condition::default();
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

    /// The condition of everything but the facets; `None` when the text holds no word.
    fn event_condition(
        &self,
        filter: &EventFilter,
        span: Option<(i64, i64)>,
        in_order: bool,
    ) -> Option<Condition> {
        let mut condition = Condition::default();
        if let Some(text) = &filter.text {
            let mut exact = Vec::new();
            exact.extend(filter.tenant.as_ref().map(|tenant| scope_word('t', tenant.as_str())));
            exact.extend(filter.actor.as_ref().map(|actor| scope_word('a', actor)));
            exact.extend(filter.source.as_ref().map(|source| scope_word('s', source.as_str())));
            let query = text_query(text, &exact, self.is_postgres())?;
            if self.is_postgres() {
                condition.and("event_text.body @@ CAST({} AS tsquery)", query);
            } else {
                condition.and("event_text MATCH {}", query);
            }
        } else {
            if let Some(tenant) = &filter.tenant {
                let narrower =
                    in_order || filter.actor.is_some() || filter.source.is_some() || filter.subject.is_some();
                condition.and(&format!("{} = {{}}", self.soft("events.tenant_id", narrower)), tenant);
            }
            if let Some(actor) = &filter.actor {
                let narrower = in_order || filter.subject.is_some();
                condition.and(&format!("{} = {{}}", self.soft("events.actor_id", narrower)), actor);
            }
            if let Some(source) = &filter.source {
                let narrower = in_order || filter.actor.is_some() || filter.subject.is_some();
                condition.and(&format!("{} = {{}}", self.soft("events.source_id", narrower)), source);
            }
        }
        if let Some(subject) = &filter.subject {
            condition.and("events.subject_id = {}", &subject.id);
            if !subject.kind.is_empty() {
                condition.and("events.subject_type = {}", &subject.kind);
            }
        }
        if let Some((low, high)) = span {
            let key = self.event_key(filter);
            condition.and(&format!("{key} >= {{}}"), low);
            condition.and(&format!("{key} <= {{}}"), high);
            let stretch = filter.stretch();
            condition.and("events.at >= {}", stretch.from);
            condition.and("events.at < {}", stretch.to);
        }
        Some(condition)
    }

    /// `column` so that SQLite looks for no index of it, where another one is narrower.
    pub(crate) fn soft(&self, column: &str, soft: bool) -> String {
        if soft && !self.is_postgres() { format!("+{column}") } else { column.to_owned() }
    }

    fn event_key(&self, filter: &EventFilter) -> &'static str {
        match (filter.text.is_some(), self.is_postgres()) {
            (false, _) => "events.seq",
            (true, false) => "event_text.rowid",
            (true, true) => "event_text.seq",
        }
    }

    fn event_tables(&self, filter: &EventFilter) -> &'static str {
        match (filter.text.is_some(), self.is_postgres()) {
            (false, _) => "events",
            (true, false) => "event_text CROSS JOIN events ON events.seq = event_text.rowid",
            (true, true) => "event_text JOIN events ON events.seq = event_text.seq",
        }
    }

    /// What to read in the order of the log; `None` when nothing can match.
    pub(crate) async fn matching_events(&mut self, filter: &EventFilter) -> Result<Option<Matching>> {
        let span = if filter.is_timed() {
            match self.event_span(filter).await? {
                Some(span) => Some(span),
                None => return Ok(None),
            }
        } else {
            None
        };
        // The log is read in its order; only a thing has so few events that its index is better.
        let Some(mut condition) = self.event_condition(filter, span, true) else { return Ok(None) };
        if !filter.actions.is_empty() || !filter.without.is_empty() || filter.outcome.is_some() {
            let facets = self.event_facets(filter).await?;
            if facets.wanted.is_empty() {
                return Ok(None);
            }
            if !facets.all {
                condition.and_in(&self.soft("events.facet", true), &facets.wanted);
            }
        }
        Ok(Some(Matching { tables: self.event_tables(filter), key: self.event_key(filter), condition }))
    }

    async fn count_events(
        &mut self,
        filter: &EventFilter,
        facets: &Facets,
        condition: &Condition,
        total: Total,
    ) -> Result<(u64, bool)> {
        let scope = match (total, filter.scope()) {
            (Total::Skip, _) => return Ok((0, false)),
            (_, Some(_)) if !filter.is_timed() => return Ok((facets.wanted_count, true)),
            // Actors and sources have no buckets of time.
            (_, scope) => scope.filter(|_| filter.actor.is_none() && filter.source.is_none()),
        };
        let mut condition = if scope.is_some() { Condition::default() } else { condition.clone() };
        let text = if let Some(scope) = &scope {
            let cover = cover(filter.stretch(), &[DAY]);
            let (clause, scope) = match &filter.tenant {
                Some(tenant) => {
                    (format!("events.tenant_id = {} AND", condition.bind(tenant)), condition.bind(scope))
                }
                None => (String::new(), condition.bind(scope)),
            };
            let wanted: Vec<String> = facets.wanted.iter().map(|facet| condition.bind(*facet)).collect();
            let wanted = wanted.join(", ");
            let mut parts = Vec::new();
            for buckets in &cover.whole {
                let (width, from, to) =
                    (condition.bind(buckets.width), condition.bind(buckets.from), condition.bind(buckets.to));
                parts.push(format!(
                    "SELECT sum(count) AS n FROM event_counts WHERE scope = {scope} AND width = {width}
                         AND bucket >= {from} AND bucket < {to} AND facet IN ({wanted})"
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
                         AND events.at >= {from} AND events.at < {to} AND events.facet IN ({wanted})"
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
            let tables = match (filter.text.is_some(), condition.text.contains("events.")) {
                (true, false) => "event_text",
                _ => self.event_tables(filter),
            };
            match total {
                Total::UpTo(most) => format!(
                    "SELECT count(*) FROM (SELECT 1 AS one FROM {tables} WHERE {} LIMIT {}) AS found",
                    condition.text,
                    most.saturating_add(1)
                ),
                Total::Exact | Total::Skip => {
                    format!("SELECT count(*) FROM {tables} WHERE {}", condition.text)
                }
            }
        };

        let bounded = scope.is_none();
        let count =
            self.number(sql("count events", text).bind_all(condition.values)).await?.unwrap_or(0) as u64;
        Ok(match total {
            Total::UpTo(most) if bounded => (count.min(most), count <= most),
            _ => (count, true),
        })
    }

    async fn event_page(
        &mut self,
        filter: &EventFilter,
        facets: &Facets,
        mut condition: Condition,
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<Vec<Event>> {
        let limit = u64::from(paging.limit) + 1;
        let key = self.event_key(filter);
        if let Some(before) = before {
            condition.and(&format!("{key} < {{}}"), before);
        }
        let by_facets = !facets.all || filter.actor.is_some() || filter.source.is_some();
        if filter.text.is_some() || filter.subject.is_some() || !by_facets {
            if !facets.all {
                condition.and_in("events.facet", &facets.wanted);
            }
            let clause = if condition.text.is_empty() { "true" } else { condition.text.as_str() };
            let text = format!(
                "SELECT {} FROM {} WHERE {clause} ORDER BY {key} DESC LIMIT {limit} OFFSET {}",
                qualified(),
                self.event_tables(filter),
                paging.offset
            );
            return self.all(sql("list events", text).bind_all(condition.values)).await;
        }
        let reach = limit + paging.offset;
        let rest = if condition.text.is_empty() { String::new() } else { format!("AND {}", condition.text) };
        let arms: Vec<String> = facets
            .wanted
            .iter()
            .map(|facet| {
                let place = condition.bind(*facet);
                format!(
                    "SELECT * FROM (SELECT seq FROM events WHERE facet = {place} {rest}
                                    ORDER BY seq DESC LIMIT {reach}) AS arm"
                )
            })
            .collect();
        let text = format!(
            "SELECT {COLUMNS} FROM events WHERE seq IN (
                 SELECT seq FROM ({}) AS arms ORDER BY seq DESC LIMIT {limit} OFFSET {})
             ORDER BY seq DESC",
            arms.join(" UNION ALL "),
            paging.offset
        );
        self.all(sql("list events", text).bind_all(condition.values)).await
    }
}
