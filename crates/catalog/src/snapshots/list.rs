//! Lists of snapshots: any filter, newest first, with the true total.
//!
//! A list costs the same however many snapshots there are. The counters tell which facets (kind, state, trigger,
//! pinned) exist in the scope (a source, a tenant, everything) and how many snapshots each has: that is the total. The
//! page is the merge of the wanted facets, each read from its own stretch of an index.

use std::mem;

use backstay_model::{Kind, SnapshotState, SourceId, TenantId, Timestamp, Trigger};

use super::facet::Facet;
use super::row::{COLUMNS, SnapshotRow};
use crate::buckets::{DAY, HOUR, PERIOD, Stretch, cover_by_difference, values};
use crate::error::Result;
use crate::page::{Page, Paging, Total};
use crate::session::Session;
use crate::sql::{Condition, Fields, NewestOfFacets, sql};
use crate::words::{scope_word, text_query};

/// Which snapshots to list. Empty lists and `None` do not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of this source.
    pub source: Option<SourceId>,
    /// Only those of these kinds.
    pub kinds: Vec<Kind>,
    /// Only those in these states.
    pub states: Vec<SnapshotState>,
    /// Only those taken for these reasons.
    pub triggers: Vec<Trigger>,
    /// Only those that are held, or that are not.
    pub pinned: Option<bool>,
    /// Only those created at or after this time.
    pub since: Option<Timestamp>,
    /// Only those created before this time.
    pub until: Option<Timestamp>,
    /// Only those with exactly this label.
    pub label: Option<String>,
    /// Only those whose id, name, label or description has all of these words; `word*` stands for its beginning.
    pub text: Option<String>,
}

impl SnapshotFilter {
    fn wants(&self, facet: Facet) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&facet.kind))
            && (self.states.is_empty() || self.states.contains(&facet.state))
            && (self.triggers.is_empty() || self.triggers.contains(&facet.trigger))
            && self.pinned.is_none_or(|pinned| pinned == facet.pinned)
    }

    fn stretch(&self) -> Stretch {
        Stretch {
            from: self.since.map_or(0, |since| since.as_micros().max(0)),
            to: self.until.map_or(i64::MAX, Timestamp::as_micros),
        }
    }

    fn is_timed(&self) -> bool {
        self.since.is_some() || self.until.is_some()
    }

    /// The counters that cover the list.
    fn scope(&self) -> String {
        match (&self.source, &self.tenant) {
            (Some(source), _) => format!("s/{source}"),
            (None, Some(tenant)) => format!("t/{tenant}"),
            (None, None) => "*".to_owned(),
        }
    }
}

/// The facets of a scope and how many snapshots each has.
struct Facets {
    wanted: Vec<i64>,
    wanted_count: u64,
    count: u64,
    all: bool,
}

impl Facets {
    /// Whether every other snapshot of the scope, or more, is wanted.
    fn are_most(&self) -> bool {
        2 * self.wanted_count >= self.count
    }
}

impl Session {
    /// Snapshots, newest first.
    ///
    /// The total is exact under [`Total::Exact`], which costs time in proportion to the matches only when `text` is given, or
    /// `label` together with other things.
    pub async fn list_snapshots(
        &mut self,
        filter: &SnapshotFilter,
        paging: &Paging,
    ) -> Result<Page<SnapshotRow>> {
        let after = paging.position()?;
        if let (Some(source), Some(tenant)) = (&filter.source, &filter.tenant) {
            let owner = self.source(source).await?.map(|row| row.tenant);
            if owner.as_ref() != Some(tenant) {
                return Ok(Page::empty());
            }
        }
        let facets = self.snapshot_facets(filter).await?;
        if facets.wanted.is_empty() {
            return Ok(Page::empty());
        }
        let total = self.count_snapshots(filter, &facets, paging.total).await?;
        let items = self.snapshot_page(filter, &facets, paging, after).await?;
        Ok(Page::cut(items, paging.limit, total, |row| row.created_at.as_micros()))
    }

    async fn snapshot_facets(&mut self, filter: &SnapshotFilter) -> Result<Facets> {
        let text = "SELECT facet, count FROM snapshot_counts WHERE scope = $1 AND width = 0 AND bucket = 0 AND count > 0";
        let rows = self.raw(sql("read the counters", text).bind(filter.scope())).await?;
        let mut facets = Facets { wanted: Vec::new(), wanted_count: 0, count: 0, all: true };
        for row in &rows {
            let mut fields = Fields::new("snapshot_counts", row);
            let (number, count) = (fields.int()?, fields.count()?);
            facets.count += count;
            if Facet::from_number(number).is_some_and(|facet| filter.wants(facet)) {
                facets.wanted.push(number);
                facets.wanted_count += count;
            } else {
                facets.all = false;
            }
        }
        Ok(facets)
    }

    async fn count_snapshots(
        &mut self,
        filter: &SnapshotFilter,
        facets: &Facets,
        total: Total,
    ) -> Result<(u64, bool)> {
        if total == Total::Skip {
            return Ok((0, false));
        }
        if filter.label.is_some() || filter.text.is_some() {
            return self.count_matching(filter, facets, total).await;
        }
        if !filter.is_timed() {
            return Ok((facets.wanted_count, true));
        }
        let widths = if filter.source.is_some() { &[PERIOD, DAY][..] } else { &[PERIOD, DAY, HOUR] };
        let cover = cover_by_difference(filter.stretch(), widths);
        let mut condition = self.condition();
        let mut parts = Vec::new();
        let scope = condition.bind(filter.scope());
        let wanted = condition.among("facet", &facets.wanted, facets.all);
        parts.extend(cover.counted("snapshot_counts", &scope, &wanted, &mut condition));
        let edges = values(&mut condition, cover.edges.iter().map(|edge| [edge.from, edge.to, edge.sign]));
        if let Some(edges) = edges {
            scope_condition(filter, &mut condition);
            condition.and_text("created_at >= edges.column1 AND created_at < edges.column2");
            let clause = mem::take(&mut condition.text);
            parts.push(format!(
                "SELECT edges.column3 * (SELECT count(*) FROM snapshots WHERE {clause} {wanted}) AS n
                 FROM ({edges}) AS edges"
            ));
        }
        if parts.is_empty() {
            return Ok((0, true));
        }
        let text = format!("SELECT CAST(sum(n) AS BIGINT) FROM ({}) AS parts", parts.join(" UNION ALL "));
        let count = self.number(sql("count snapshots", text).bind_all(condition.values)).await?;
        Ok((count.unwrap_or(0) as u64, true))
    }

    /// Counts what a label or a text selects.
    async fn count_matching(
        &mut self,
        filter: &SnapshotFilter,
        facets: &Facets,
        total: Total,
    ) -> Result<(u64, bool)> {
        let Some((mut from, condition)) = self.matching(filter, facets) else { return Ok((0, true)) };
        if filter.text.is_some() && !condition.text.contains("snapshots.") {
            from = "snapshot_text";
        }
        match total {
            Total::UpTo(most) => {
                let text = format!(
                    "SELECT count(*) FROM (SELECT 1 AS one FROM {from} WHERE {} LIMIT {}) AS found",
                    condition.text,
                    most.saturating_add(1)
                );
                let statement = sql("count snapshots", text).bind_all(condition.values).skewed();
                let count = self.number(statement).await?;
                let count = count.unwrap_or(0) as u64;
                Ok((count.min(most), count <= most))
            }
            Total::Exact | Total::Skip => {
                let text = format!("SELECT count(*) FROM {from} WHERE {}", condition.text);
                let statement = sql("count snapshots", text).bind_all(condition.values).skewed();
                let count = self.number(statement).await?;
                Ok((count.unwrap_or(0) as u64, true))
            }
        }
    }

    /// Tables and condition of a filter with a label or a text; `None` when nothing can match.
    fn matching(&self, filter: &SnapshotFilter, facets: &Facets) -> Option<(&'static str, Condition)> {
        let postgres = self.is_postgres();
        let mut condition = self.condition();
        let mut key = "snapshots.created_at";
        let from = match &filter.text {
            Some(text) => {
                key = if postgres { "snapshot_text.created_at" } else { "snapshot_text.rowid" };
                let mut exact = Vec::new();
                exact.extend(filter.tenant.as_ref().map(|tenant| scope_word('t', tenant.as_str())));
                exact.extend(filter.source.as_ref().map(|source| scope_word('s', source.as_str())));
                let query = text_query(text, &exact, postgres)?;
                if postgres {
                    condition.and("snapshot_text.body @@ CAST({} AS tsquery)", query);
                    "snapshot_text JOIN snapshots ON snapshots.created_at = snapshot_text.created_at"
                } else {
                    condition.and("snapshot_text MATCH {}", query);
                    "snapshot_text CROSS JOIN snapshots ON snapshots.created_at = snapshot_text.rowid"
                }
            }
            None => "snapshots",
        };
        if let Some(label) = &filter.label {
            condition.and("snapshots.label = {}", label);
        }
        if filter.text.is_none() {
            // The text index holds the scope itself.
            scope_condition(filter, &mut condition);
            tenants_of_label(filter, &mut condition);
        }
        if !facets.all || filter.text.is_none() {
            condition.and_in("snapshots.facet", &facets.wanted);
        }
        if filter.is_timed() {
            let stretch = filter.stretch();
            condition.and(&format!("{key} >= {{}}"), stretch.from);
            condition.and(&format!("{key} < {{}}"), stretch.to);
        }
        Some((from, condition))
    }

    async fn snapshot_page(
        &mut self,
        filter: &SnapshotFilter,
        facets: &Facets,
        paging: &Paging,
        after: Option<i64>,
    ) -> Result<Vec<SnapshotRow>> {
        let limit = u64::from(paging.limit) + 1;
        let columns = qualified();
        if filter.text.is_some() {
            let Some((from, mut condition)) = self.matching(filter, facets) else { return Ok(Vec::new()) };
            let key = if self.is_postgres() { "snapshots.created_at" } else { "snapshot_text.rowid" };
            if let Some(after) = after {
                condition.and(&format!("{key} < {{}}"), after);
            }
            let text = format!(
                "SELECT {columns} FROM {from} WHERE {} ORDER BY {key} DESC LIMIT {limit} OFFSET {}",
                condition.text, paging.offset
            );
            return self.all(sql("list snapshots", text).bind_all(condition.values).skewed()).await;
        }
        let mut bounds = self.condition();
        if let Some(label) = &filter.label {
            bounds.and("snapshots.label = {}", label);
        }
        scope_condition(filter, &mut bounds);
        tenants_of_label(filter, &mut bounds);
        let stretch = filter.stretch();
        if filter.since.is_some() {
            bounds.and("snapshots.created_at >= {}", stretch.from);
        }
        let to = after.map_or(stretch.to, |after| after.min(stretch.to));
        if to != i64::MAX {
            bounds.and("snapshots.created_at < {}", to);
        }
        if facets.all && filter.label.is_none() {
            let clause = if bounds.text.is_empty() { "true" } else { bounds.text.as_str() };
            let text = format!(
                "SELECT {COLUMNS} FROM snapshots WHERE {clause} ORDER BY created_at DESC LIMIT {limit} OFFSET {}",
                paging.offset
            );
            return self.all(sql("list snapshots", text).bind_all(bounds.values)).await;
        }
        if filter.label.is_none() && paging.offset == 0 && facets.are_most() {
            let recent = self.wanted_among_recent(facets, limit, &bounds).await?;
            if recent.len() as u64 == limit {
                return Ok(recent);
            }
        }
        let newest = NewestOfFacets {
            table: "snapshots",
            key: "created_at",
            facets: &facets.wanted,
            limit,
            offset: paging.offset,
        };
        let newest = newest.query(&mut bounds);
        let text = format!(
            "SELECT {COLUMNS} FROM snapshots WHERE created_at IN ({newest}) ORDER BY created_at DESC"
        );
        let statement = sql("list snapshots", text).bind_all(bounds.values);
        self.all(if filter.label.is_some() { statement.skewed() } else { statement }).await
    }

    /// The newest `limit` of the wanted facets among four times as many snapshots within `bounds`: where most are wanted,
    /// these are the page, and cost a fraction of asking for each facet. Fewer tell nothing.
    async fn wanted_among_recent(
        &mut self,
        facets: &Facets,
        limit: u64,
        bounds: &Condition,
    ) -> Result<Vec<SnapshotRow>> {
        let mut condition = bounds.clone();
        let wanted = condition.among("facet", &facets.wanted, false);
        let clause = if condition.text.is_empty() { "true" } else { condition.text.as_str() };
        let text = format!(
            "SELECT {COLUMNS} FROM (
                 SELECT facet, {COLUMNS} FROM snapshots WHERE {clause} ORDER BY created_at DESC LIMIT {}
             ) AS recent WHERE true {wanted} ORDER BY created_at DESC LIMIT {limit}",
            4 * limit
        );
        self.all(sql("list recent snapshots", text).bind_all(condition.values)).await
    }
}

fn scope_condition(filter: &SnapshotFilter, condition: &mut Condition) {
    match (&filter.source, &filter.tenant) {
        (Some(source), _) => condition.and("snapshots.source_id = {}", source),
        (None, Some(tenant)) => condition.and("snapshots.tenant_id = {}", tenant),
        (None, None) => {}
    }
}

/// The index of labels has the tenant before the facet, so without a tenant all of them are named.
fn tenants_of_label(filter: &SnapshotFilter, condition: &mut Condition) {
    if filter.label.is_some() && filter.tenant.is_none() && filter.source.is_none() {
        condition.and_text("snapshots.tenant_id IN (SELECT id FROM tenants)");
    }
}

fn qualified() -> String {
    COLUMNS.split(", ").map(|column| format!("snapshots.{}", column.trim())).collect::<Vec<_>>().join(", ")
}
