//! Appending, reading and following events.

use std::time::Duration;

use backstay_catalog::{CatalogError, EventFilter, Paging, TenantRow};
use backstay_model::{Event, Outcome, SourceId, Subject, TenantId};
use futures_util::TryStreamExt;
use serde_json::json;

use crate::fixture::{Fixture, START, at, draft};
use crate::on_both;

on_both!(
    events_are_numbered_without_gaps_and_chained,
    an_event_and_its_change_happen_together_or_not_at_all,
    a_commit_after_a_failed_statement_changes_nothing,
    every_field_reads_back,
    a_stream_resumes_where_it_was,
    every_filter_selects_what_it_says,
    a_watch_wakes_for_this_and_for_another_process,
    the_export_streams_everything,
    events_cannot_be_changed_or_removed,
    a_clock_that_jumps_back_hides_nothing,
);

async fn events_are_numbered_without_gaps_and_chained(fixture: &Fixture) {
    for n in 0..3 {
        let mut tx = fixture.catalog.begin().await.unwrap();
        tx.record(draft("snapshot.created", n));
        tx.record(draft("snapshot.ready", n));
        let committed = tx.commit().await.unwrap();
        assert_eq!(
            committed.events.iter().map(|event| event.seq).collect::<Vec<_>>(),
            [2 * n + 1, 2 * n + 2]
        );
    }
    let mut read = fixture.catalog.read().await.unwrap();
    let (events, seen) = read.events_after(0, &EventFilter::default(), 100).await.unwrap();
    assert_eq!((events.len(), seen), (6, 6));
    for pair in events.windows(2) {
        assert_eq!(pair[1].prev_hash, pair[0].hash);
        assert_eq!(pair[1].hash, pair[1].computed_hash());
    }
    assert_eq!(read.event_head().await.unwrap(), (6, events[5].hash));
}

async fn an_event_and_its_change_happen_together_or_not_at_all(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.set_setting("a", &json!(1), START).await.unwrap();
    tx.record(draft("setting.changed", 1));
    tx.roll_back().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.set_setting("b", &json!(1), START).await.unwrap();
    tx.record(draft("setting.changed", 2));
    drop(tx);
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.setting("a").await.unwrap(), None);
    assert_eq!(tx.setting("b").await.unwrap(), None);
    tx.record(draft("setting.changed", 3));
    assert_eq!(tx.commit().await.unwrap().events[0].seq, 1);
}

async fn a_commit_after_a_failed_statement_changes_nothing(fixture: &Fixture) {
    let twice = TenantRow {
        id: TenantId::parse("acme").unwrap(),
        name: "acme".into(),
        settings: json!({}),
        created_at: START,
    };
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_tenant(&twice).await.unwrap();
    assert!(matches!(tx.insert_tenant(&twice).await, Err(CatalogError::Duplicate { .. })));
    assert!(matches!(tx.tenants().await, Err(CatalogError::GivenUp)));
    tx.record(draft("tenant.created", 1));
    assert!(matches!(tx.commit().await, Err(CatalogError::GivenUp)));
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.tenant(&twice.id).await.unwrap(), None);
    assert_eq!(read.event_head().await.unwrap().0, 0);
}

async fn every_field_reads_back(fixture: &Fixture) {
    let mut full = draft("snapshot.deleted", 1);
    full.kind = Some(backstay_model::Kind::Workspace);
    full.source = Some(SourceId::parse("src-1").unwrap());
    full.outcome = Outcome::Denied;
    full.request_id = Some("req-1".into());
    full.actor.name = "Ada \"the\" 'first'\0 %_ 日本".into();
    full.data = json!({"float": 0.1, "text": "\u{0}", "nested": {"z": [1, null]}}).into();
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.record(full);
    let committed = tx.commit().await.unwrap().events.remove(0);
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.event(1).await.unwrap(), Some(committed.clone()));
    assert_eq!(committed.hash, committed.computed_hash());
    assert_eq!(committed.data.value()["text"], json!("\u{0}"));
    assert_eq!(read.event(2).await.unwrap(), None);
}

async fn a_stream_resumes_where_it_was(fixture: &Fixture) {
    let actions = |n: u64| if n.is_multiple_of(4) { "rare.event" } else { "common.event" };
    fixture.record((1..=20).map(|n| draft(actions(n), n))).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let rare = EventFilter { actions: vec!["rare.".into()], ..EventFilter::default() };
    let mut seq = 0;
    let mut seen = Vec::new();
    loop {
        let (events, next) = read.events_after(seq, &rare, 2).await.unwrap();
        seen.extend(events.iter().map(|event| event.seq));
        if next == seq {
            break;
        }
        seq = next;
    }
    assert_eq!((seen, seq), (vec![4, 8, 12, 16, 20], 20));
}

async fn every_filter_selects_what_it_says(fixture: &Fixture) {
    let acme = fixture.add_tenant("acme").await;
    let source = SourceId::parse("src-1").unwrap();
    let drafts = (1..=60).map(|n| {
        let mut draft =
            draft(["snapshot.created", "snapshot.deleted", "user.login"][n as usize % 3], n * 3600);
        if n % 2 == 0 {
            draft.tenant = acme.clone();
        }
        if n % 5 == 0 {
            draft.actor.id = "user-bob".into();
        }
        if n % 4 == 0 {
            draft.source = Some(source.clone());
        }
        if n % 7 == 0 {
            draft.outcome = Outcome::Denied;
        }
        draft
    });
    fixture.record(drafts).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let (all, _) = read.events_after(0, &EventFilter::default(), 1000).await.unwrap();
    let none = EventFilter::default;
    let filters = [
        none(),
        EventFilter { tenant: Some(acme.clone()), ..none() },
        EventFilter { actor: Some("user-bob".into()), ..none() },
        EventFilter { tenant: Some(acme.clone()), actor: Some("user-bob".into()), ..none() },
        EventFilter { actions: vec!["snapshot.".into()], ..none() },
        EventFilter { actions: vec!["snapshot.created".into(), "user.".into()], ..none() },
        EventFilter { without: vec!["user.".into()], tenant: Some(acme.clone()), ..none() },
        EventFilter { outcome: Some(Outcome::Denied), ..none() },
        EventFilter { source: Some(source.clone()), ..none() },
        EventFilter { source: Some(source.clone()), tenant: Some(acme.clone()), ..none() },
        EventFilter { source: Some(source), actor: Some("user-bob".into()), tenant: Some(acme), ..none() },
        EventFilter { since: Some(at(5 * 3600)), until: Some(at(47 * 3600)), ..none() },
        EventFilter { since: Some(at(7199)), until: Some(at(7201)), outcome: Some(Outcome::Ok), ..none() },
        EventFilter { until: Some(at(1)), ..none() },
        EventFilter { subject: Some(Subject::new("snapshot", &crate::fixture::snapshot_id(7200))), ..none() },
        EventFilter { subject: Some(Subject::new("task", &crate::fixture::snapshot_id(7200))), ..none() },
        EventFilter { subject: Some(Subject::new("", &crate::fixture::snapshot_id(7200))), ..none() },
        EventFilter {
            actor: Some("user-bob".into()),
            tenant: Some(TenantId::default_tenant()),
            since: Some(at(9000)),
            ..none()
        },
        EventFilter {
            tenant: Some(TenantId::default_tenant()),
            since: Some(at(9000)),
            until: Some(at(150_000)),
            ..none()
        },
        EventFilter { actions: vec!["nothing".into()], ..none() },
    ];
    for filter in filters {
        let expected: Vec<u64> =
            all.iter().filter(|event| selects(&filter, event)).map(|event| event.seq).collect();
        let mut newest_first = Vec::new();
        let mut paging = Paging::first(7);
        loop {
            let page = read.list_events(&filter, &paging).await.unwrap();
            assert_eq!((page.total as usize, page.total_exact), (expected.len(), true), "{filter:?}");
            newest_first.extend(page.items.iter().map(|event| event.seq));
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        newest_first.reverse();
        assert_eq!(newest_first, expected, "{filter:?}");
        let reader = fixture.catalog.read().await.unwrap();
        let exported: Vec<Event> = reader.export_events(&filter).await.unwrap().try_concat().await.unwrap();
        assert_eq!(exported.iter().map(|event| event.seq).collect::<Vec<_>>(), expected, "{filter:?}");
        let (streamed, _) = read.events_after(0, &filter, 1000).await.unwrap();
        assert_eq!(streamed.len(), expected.len(), "{filter:?}");
        let skipped = read.list_events(&filter, &Paging { offset: 3, ..Paging::first(2) }).await.unwrap();
        let wanted: Vec<u64> = expected.iter().rev().skip(3).take(2).copied().collect();
        assert_eq!(skipped.items.iter().map(|event| event.seq).collect::<Vec<_>>(), wanted, "{filter:?}");
    }
}

/// What a filter means, said once more without SQL.
fn selects(filter: &EventFilter, event: &Event) -> bool {
    let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| event.action.starts_with(prefix));
    filter.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant)
        && filter.actor.as_ref().is_none_or(|actor| *actor == event.actor.id)
        && (filter.actions.is_empty() || begins(&filter.actions))
        && !begins(&filter.without)
        && filter.outcome.is_none_or(|outcome| outcome == event.outcome)
        && filter.source.as_ref().is_none_or(|source| Some(source) == event.source.as_ref())
        && filter.subject.as_ref().is_none_or(|subject| {
            subject.id == event.subject.id && (subject.kind.is_empty() || subject.kind == event.subject.kind)
        })
        && filter.since.is_none_or(|since| event.at >= since)
        && filter.until.is_none_or(|until| event.at < until)
}

async fn a_watch_wakes_for_this_and_for_another_process(fixture: &Fixture) {
    fixture.record([draft("a", 1)]).await;
    let mut watch = fixture.catalog.subscribe().await.unwrap();
    assert_eq!(watch.wait_beyond(0).await.unwrap(), 1);
    fixture.record([draft("b", 2)]).await;
    assert_eq!(watch.changed().await.unwrap(), 2);
    let other = fixture.again().await;
    let mut tx = other.begin().await.unwrap();
    tx.record(draft("c", 3));
    tx.commit().await.unwrap();
    let newest = tokio::time::timeout(Duration::from_secs(20), watch.changed()).await.unwrap();
    assert_eq!(newest.unwrap(), 3);
    other.close().await;
}

async fn the_export_streams_everything(fixture: &Fixture) {
    fixture.record((1..=50).map(|n| draft("a", n))).await;
    let read = fixture.catalog.read().await.unwrap();
    let events: Vec<Event> =
        read.export_events(&EventFilter::default()).await.unwrap().try_concat().await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
}

async fn events_cannot_be_changed_or_removed(fixture: &Fixture) {
    fixture.record((1..=3).map(|n| draft("a", n))).await;
    assert!(!fixture.try_sql("UPDATE events SET action = 'b'").await);
    assert!(!fixture.try_sql("DELETE FROM events WHERE seq = 2").await);
    assert!(fixture.catalog.read().await.unwrap().verify_chain().await.unwrap().is_whole());
}

async fn a_clock_that_jumps_back_hides_nothing(fixture: &Fixture) {
    let times = [1000, 1001, 90_000, 90_001, 5, 6, 100_000, 7];
    fixture.record(times.iter().map(|n| draft("a", *n))).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let filter = EventFilter { since: Some(at(0)), until: Some(at(1002)), ..EventFilter::default() };
    let page = read.list_events(&filter, &Paging::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|event| event.seq).collect::<Vec<_>>(), [8, 6, 5, 2, 1]);
    assert_eq!(page.total, 5);
    assert!(read.verify_chain().await.unwrap().is_whole());
}
