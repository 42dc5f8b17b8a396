//! Lists of snapshots: filters, pages, totals.

use backstay_catalog::{CatalogError, Paging, SnapshotFilter, SnapshotRow, Total};
use backstay_model::{SnapshotState, TenantId, Trigger};

use crate::fixture::{Fixture, at, content, new_snapshot, snapshot_id, tombstone};
use crate::on_both;

on_both!(
    every_filter_selects_what_it_says,
    pages_by_position_visit_each_row_once_while_rows_are_added,
    pages_by_number_are_the_same_rows,
    another_tenants_source_is_empty,
    a_position_that_was_not_given_out_is_refused,
    an_empty_catalog_has_an_empty_list,
);

/// 120 snapshots of two tenants and three sources in all states, over two days.
async fn fill(fixture: &Fixture) -> Vec<SnapshotRow> {
    let acme = fixture.add_tenant("acme").await;
    let default = TenantId::default_tenant();
    let sources = [
        fixture.add_source(&default, "one").await,
        fixture.add_source(&default, "two").await,
        fixture.add_source(&acme, "three").await,
    ];
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 0..120u64 {
        let mut new = new_snapshot(&sources[n as usize % 3], n);
        new.created_at = at(n * 1440);
        new.trigger = Trigger::ALL[n as usize % 4];
        new.label = n.is_multiple_of(5).then(|| "nightly".to_owned());
        new.description = n.is_multiple_of(6).then(|| format!("before release number {n}"));
        tx.insert_snapshot(&new).await.unwrap();
        if !n.is_multiple_of(7) {
            tx.ready_snapshot(&new.id, "worker", &content(n), at(n)).await.unwrap();
        } else if n.is_multiple_of(2) {
            tx.fail_snapshot(&new.id, "it broke", at(n)).await.unwrap();
        }
        if n.is_multiple_of(11) && !n.is_multiple_of(7) {
            tx.begin_delete(&new.id, &tombstone(n)).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let mut rows = Vec::new();
    for n in (0..120).rev() {
        rows.push(read.snapshot(&snapshot_id(n)).await.unwrap().unwrap());
    }
    rows
}

/// What a filter means, said once more without SQL.
pub(crate) fn selects(filter: &SnapshotFilter, row: &SnapshotRow) -> bool {
    let text = [Some(row.id.as_str()), row.name.as_deref(), row.label.as_deref(), row.description.as_deref()];
    let text = text.into_iter().flatten().collect::<Vec<_>>().join(" ").to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    filter.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
        && filter.source.as_ref().is_none_or(|source| *source == row.source)
        && (filter.kinds.is_empty() || filter.kinds.contains(&row.kind))
        && (filter.states.is_empty() || filter.states.contains(&row.state))
        && (filter.triggers.is_empty() || filter.triggers.contains(&row.trigger))
        && filter.pinned.is_none_or(|pinned| pinned == row.pinned)
        && filter.since.is_none_or(|since| row.created_at >= since)
        && filter.until.is_none_or(|until| row.created_at < until)
        && filter.label.as_ref().is_none_or(|label| Some(label) == row.label.as_ref())
        && filter.text.as_ref().is_none_or(|wanted| {
            wanted.to_lowercase().split_whitespace().all(|wanted| match wanted.strip_suffix('*') {
                Some(beginning) => words.iter().any(|word| word.starts_with(beginning)),
                None => words.contains(&wanted),
            })
        })
}

fn filters(rows: &[SnapshotRow]) -> Vec<SnapshotFilter> {
    let none = SnapshotFilter::default;
    let tenant = Some(TenantId::default_tenant());
    let source = Some(rows[0].source.clone());
    let ready = vec![SnapshotState::Ready];
    vec![
        none(),
        SnapshotFilter { tenant: tenant.clone(), ..none() },
        SnapshotFilter { source: source.clone(), ..none() },
        SnapshotFilter { states: ready.clone(), ..none() },
        SnapshotFilter { tenant: tenant.clone(), states: vec![SnapshotState::Failed], ..none() },
        SnapshotFilter {
            tenant: tenant.clone(),
            states: ready.clone(),
            triggers: vec![Trigger::Safety, Trigger::Manual],
            ..none()
        },
        SnapshotFilter { pinned: Some(true), ..none() },
        SnapshotFilter { since: Some(at(100)), until: Some(at(90 * 1440)), ..none() },
        SnapshotFilter { since: Some(at(7 * 1440)), until: Some(at(7 * 1440 + 1)), ..none() },
        SnapshotFilter {
            tenant: tenant.clone(),
            since: Some(at(70 * 1440)),
            states: ready.clone(),
            ..none()
        },
        SnapshotFilter { source: source.clone(), until: Some(at(60 * 1440)), ..none() },
        SnapshotFilter { label: Some("nightly".into()), ..none() },
        SnapshotFilter {
            label: Some("nightly".into()),
            tenant: tenant.clone(),
            states: ready.clone(),
            ..none()
        },
        SnapshotFilter { label: Some("nightly".into()), source, since: Some(at(9000)), ..none() },
        SnapshotFilter { label: Some("night".into()), ..none() },
        SnapshotFilter { text: Some("nightly".into()), ..none() },
        SnapshotFilter { text: Some("rel* befo*".into()), tenant: tenant.clone(), ..none() },
        SnapshotFilter { text: Some("number 12".into()), ..none() },
        SnapshotFilter { text: Some("number 1*".into()), ..none() },
        SnapshotFilter { text: Some("before".into()), label: Some("nightly".into()), ..none() },
        SnapshotFilter { text: Some("befor".into()), ..none() },
        SnapshotFilter { text: Some("Before".into()), states: ready, until: Some(at(50 * 1440)), ..none() },
        SnapshotFilter { text: Some("nothing".into()), ..none() },
        SnapshotFilter { kinds: vec![backstay_model::Kind::Volume], ..none() },
    ]
}

async fn every_filter_selects_what_it_says(fixture: &Fixture) {
    let rows = fill(fixture).await;
    let mut read = fixture.catalog.read().await.unwrap();
    for filter in filters(&rows) {
        let expected: Vec<&SnapshotRow> = rows.iter().filter(|row| selects(&filter, row)).collect();
        let page = read.list_snapshots(&filter, &Paging::first(1000)).await.unwrap();
        assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(
            (page.total as usize, page.total_exact, page.next),
            (expected.len(), true, None),
            "{filter:?}"
        );
        let bounded = Paging { total: Total::UpTo(3), ..Paging::first(5) };
        let page = read.list_snapshots(&filter, &bounded).await.unwrap();
        assert_eq!(page.total_exact, page.total as usize == expected.len(), "{filter:?}");
        assert!(page.total as usize <= expected.len());
    }
}

async fn pages_by_position_visit_each_row_once_while_rows_are_added(fixture: &Fixture) {
    let rows = fill(fixture).await;
    let mut n = 1000;
    let source = fixture.catalog.read().await.unwrap().source(&rows[0].source).await.unwrap().unwrap();
    for filter in filters(&rows) {
        let expected: Vec<String> =
            rows.iter().filter(|row| selects(&filter, row)).map(|row| row.id.to_string()).collect();
        let mut seen: Vec<String> = Vec::new();
        let mut paging = Paging::first(7);
        loop {
            let page = fixture.catalog.read().await.unwrap().list_snapshots(&filter, &paging).await.unwrap();
            seen.extend(page.items.iter().map(|row| row.id.to_string()));
            // A newer snapshot appears between any two pages.
            n += 1;
            let mut new = new_snapshot(&source, n);
            new.created_at = at(n * 1440);
            let mut tx = fixture.catalog.begin().await.unwrap();
            tx.insert_snapshot(&new).await.unwrap();
            tx.commit().await.unwrap();
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        seen.retain(|id| rows.iter().any(|row| row.id.as_str() == id));
        assert_eq!(seen, expected, "{filter:?}");
    }
}

async fn pages_by_number_are_the_same_rows(fixture: &Fixture) {
    let rows = fill(fixture).await;
    let mut read = fixture.catalog.read().await.unwrap();
    for filter in filters(&rows) {
        let expected: Vec<&SnapshotRow> =
            rows.iter().filter(|row| selects(&filter, row)).skip(4).take(5).collect();
        let paging = Paging { offset: 4, ..Paging::first(5) };
        let page = read.list_snapshots(&filter, &paging).await.unwrap();
        assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

async fn another_tenants_source_is_empty(fixture: &Fixture) {
    let rows = fill(fixture).await;
    let acme = TenantId::parse("acme").unwrap();
    let foreign = rows.iter().find(|row| row.tenant != acme).unwrap().source.clone();
    let filter = SnapshotFilter { tenant: Some(acme), source: Some(foreign), ..SnapshotFilter::default() };
    let page =
        fixture.catalog.read().await.unwrap().list_snapshots(&filter, &Paging::default()).await.unwrap();
    assert_eq!((page.items.len(), page.total), (0, 0));
}

async fn a_position_that_was_not_given_out_is_refused(fixture: &Fixture) {
    let mut read = fixture.catalog.read().await.unwrap();
    for text in ["", "p", "1", "p' OR 1=1 --", "\0"] {
        let paging = Paging { after: Some(text.into()), ..Paging::default() };
        let refused = read.list_snapshots(&SnapshotFilter::default(), &paging).await;
        assert!(matches!(refused, Err(CatalogError::InvalidCursor { .. })), "{text:?}");
    }
}

async fn an_empty_catalog_has_an_empty_list(fixture: &Fixture) {
    let mut read = fixture.catalog.read().await.unwrap();
    let page = read.list_snapshots(&SnapshotFilter::default(), &Paging::default()).await.unwrap();
    assert_eq!((page.items.len(), page.total, page.total_exact), (0, 0, true));
}
