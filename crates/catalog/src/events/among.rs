//! Searches for words among the events of an actor or a source in a time, on SQLite.
//!
//! The index of words gives the numbers of all matches at once, and the index of the actor or source has the times of its
//! events, so that no event is read to count them. One query gives the count and the page.

use backstay_model::Event;

use super::list::{EventFilter, Facets, Selection};
use super::read::qualified;
use crate::error::Result;
use crate::page::{Paging, Total};
use crate::session::Session;
use crate::sql::{Condition, Fields, Record, sql};

/// How many events the actor or source may have.
const FEW: u64 = 20_000;

/// In how many of the newest events of the time matches are counted, when the page is full and not all need be counted: the
/// index goes through all places of a common word.
const COUNTED: i64 = 1 << 18;

/// An event, and how many match in all.
struct Counted {
    event: Event,
    total: u64,
}

impl Record for Counted {
    const TABLE: &'static str = Event::TABLE;

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { event: Event::read(fields)?, total: fields.count()? })
    }
}

impl Session {
    /// Whether a filter is read this way.
    pub(super) fn is_among(&self, filter: &EventFilter, facets: &Facets) -> bool {
        let few = (filter.actor.is_some() || filter.source.is_some()) && facets.wanted_count <= FEW;
        few && filter.tenant.is_some()
            && filter.text.is_some()
            && filter.subject.is_none()
            && filter.is_timed()
            && !self.is_postgres()
    }

    /// The page, and the total with whether it is exact. Pages behind the first look at the whole time in any case, so they may
    /// know more matches than the first did.
    pub(super) async fn events_among(
        &mut self,
        facets: &Facets,
        selection: &Selection,
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<(Vec<Event>, (u64, bool))> {
        let span = selection.span.unwrap_or((1, i64::MAX));
        let newest = (span.0.max(span.1.saturating_sub(COUNTED - 1)), span.1);
        if matches!(paging.total, Total::UpTo(_)) && before.is_none() && newest != span {
            let (events, (total, _)) = self.events_found(facets, selection, newest, paging, before).await?;
            if events.len() as u64 > u64::from(paging.limit) {
                return Ok((events, (total, false)));
            }
        }
        self.events_found(facets, selection, span, paging, before).await
    }

    /// The page and the total among the events with numbers of `span`.
    async fn events_found(
        &mut self,
        facets: &Facets,
        selection: &Selection,
        span: (i64, i64),
        paging: &Paging,
        before: Option<i64>,
    ) -> Result<(Vec<Event>, (u64, bool))> {
        let mut condition = selection.condition.clone();
        let found = found(facets, selection, span, &mut condition);
        let all = condition.clone();
        let before =
            before.map_or_else(String::new, |before| format!("WHERE seq < {}", condition.bind(before)));
        let text = format!(
            "WITH found AS MATERIALIZED ({found})
             SELECT {}, (SELECT count(*) FROM found) FROM events
             WHERE seq IN (SELECT seq FROM found {before} ORDER BY seq DESC LIMIT {} OFFSET {}) ORDER BY seq DESC",
            qualified(),
            u64::from(paging.limit) + 1,
            paging.offset,
        );
        let rows: Vec<Counted> = self.all(sql("list events", text).bind_all(condition.values)).await?;
        let total = if let Some(row) = rows.first() {
            row.total
        } else {
            // The page is behind the last match, or there is none.
            let text = format!("SELECT count(*) FROM ({found}) AS found");
            let count = self.number(sql("count events", text).bind_all(all.values)).await?;
            count.unwrap_or(0) as u64
        };
        let total = match paging.total {
            Total::Exact => (total, true),
            Total::UpTo(most) => (total.min(most), total <= most),
            Total::Skip => (0, false),
        };
        Ok((rows.into_iter().map(|row| row.event).collect(), total))
    }
}

/// A query for the numbers of all matches.
fn found(
    facets: &Facets,
    selection: &Selection,
    (low, high): (i64, i64),
    condition: &mut Condition,
) -> String {
    // Behind the facet, the index of an actor or a source has the numbers in order.
    condition.and_in("events.facet", &facets.wanted);
    let words = condition.bind(selection.words.as_deref().unwrap_or_default());
    let (low, high) = (condition.bind(low), condition.bind(high));
    condition.and_text(&format!(
        "+events.seq IN (SELECT rowid FROM event_text
                         WHERE event_text MATCH {words} AND rowid >= {low} AND rowid <= {high})"
    ));
    format!("SELECT events.seq AS seq FROM events WHERE {}", condition.text)
}

#[cfg(test)]
mod tests {
    use backstay_model::TenantId;

    use super::super::list::Reading;
    use super::*;
    use crate::catalog::{Catalog, CatalogOptions};
    use crate::testing::{FillOptions, Generator, fill};

    #[tokio::test]
    async fn a_part_of_the_time_has_the_newest_of_the_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("catalog.db");
        let catalog = Catalog::open(path.to_str().unwrap(), &CatalogOptions::default()).await.unwrap();
        let generator = Generator::new(200, 12_000);
        let filter = EventFilter {
            tenant: Some(TenantId::default_tenant()),
            actor: Some(generator.actor(1).id),
            since: Some(generator.start),
            text: Some("snapshot".into()),
            ..EventFilter::default()
        };
        fill(&catalog, &FillOptions { generator, progress: &|_, _| {} }).await.unwrap();
        let mut session = catalog.read().await.unwrap();
        let facets = session.event_facets(&filter).await.unwrap();
        assert!(session.is_among(&filter, &facets));
        let selection = session.event_selection(&filter, Reading::Among).await.unwrap().unwrap();
        let (low, high) = selection.span.unwrap();
        let paging = Paging { total: Total::UpTo(1000), ..Paging::first(1) };
        let (whole, (all, exact)) =
            session.events_found(&facets, &selection, (low, high), &paging, None).await.unwrap();
        let part = (high - (high - low) / 2, high);
        let (newest, (some, _)) =
            session.events_found(&facets, &selection, part, &paging, None).await.unwrap();
        assert_eq!(newest, whole);
        assert!(exact && some > 1 && some < all, "{some} of {all}");
        let behind =
            session.events_found(&facets, &selection, (low, high), &paging, Some(low)).await.unwrap();
        assert_eq!(behind, (Vec::new(), (all, true)), "the total does not depend on the page");
    }
}
