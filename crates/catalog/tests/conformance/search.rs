//! Texts that people type.

use backstay_catalog::{EventFilter, Paging, SnapshotFilter, Total};
use backstay_model::TenantId;
use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{Fixture, at, draft, new_snapshot};
use crate::on_both;

on_both!(
    hostile_texts_find_themselves_and_never_fail,
    a_search_stays_within_its_tenant,
    an_event_is_found_by_what_it_tells,
    matches_of_a_busy_actor_are_not_all_counted_where_that_takes_long,
    a_changed_label_is_found_and_the_old_one_is_not,
    any_text_is_harmless,
);

const HOSTILE: [&str; 22] = [
    "quote's",
    "double\"quote",
    "100%",
    "under_score",
    "back\\slash",
    "nul\0byte",
    "new\nline",
    "a OR b",
    "NEAR(a b)",
    "col:umn",
    "star*",
    "^caret",
    "-minus",
    "(paren",
    "{brace}",
    "semi;colon",
    "-- comment",
    "/* comment */",
    "日本語",
    "naïve ÅNGSTRÖM",
    "\u{202e}right to left",
    "emoji 👩‍🚀 zwj",
];

async fn hostile_texts_find_themselves_and_never_fail(fixture: &Fixture) {
    let source = fixture.default_source().await;
    for (n, text) in HOSTILE.into_iter().enumerate() {
        let mut tx = fixture.catalog.begin().await.unwrap();
        let mut new = new_snapshot(&source, n as u64);
        new.label = Some(text.into());
        tx.insert_snapshot(&new).await.unwrap();
        let mut event = draft("snapshot.created", n as u64);
        event.data = serde_json::json!({"label": text}).into();
        event.actor.name = text.into();
        tx.record(event);
        tx.commit().await.unwrap();
    }
    let mut read = fixture.catalog.read().await.unwrap();
    for (n, text) in HOSTILE.into_iter().enumerate() {
        let by_text = SnapshotFilter { text: Some(text.into()), ..SnapshotFilter::default() };
        let found = read.list_snapshots(&by_text, &Paging::default()).await.unwrap();
        assert!(found.items.iter().any(|row| row.created_at == at(n as u64)), "{text:?}");
        let by_label = SnapshotFilter { label: Some(text.into()), ..SnapshotFilter::default() };
        assert_eq!(read.list_snapshots(&by_label, &Paging::default()).await.unwrap().total, 1, "{text:?}");
        let events = EventFilter { text: Some(text.into()), ..EventFilter::default() };
        let found = read.list_events(&events, &Paging::default()).await.unwrap();
        assert!(found.items.iter().any(|event| event.seq == n as u64 + 1), "{text:?}");
        assert_eq!(found.total as usize, found.items.len());
        let actor = EventFilter { actor: Some(text.into()), ..EventFilter::default() };
        assert_eq!(read.list_events(&actor, &Paging::default()).await.unwrap().total, 0);
    }
    for nothing in ["", " ", "\"", "'", "*", "%", "\0", "'*\"-"] {
        let by_text = SnapshotFilter { text: Some(nothing.into()), ..SnapshotFilter::default() };
        assert_eq!(read.list_snapshots(&by_text, &Paging::default()).await.unwrap().total, 0, "{nothing:?}");
    }
}

async fn a_search_stays_within_its_tenant(fixture: &Fixture) {
    let acme = fixture.add_tenant("acme").await;
    for (n, tenant) in [(1, &acme), (2, &TenantId::default_tenant())] {
        let source = fixture.add_source(tenant, "project").await;
        let mut tx = fixture.catalog.begin().await.unwrap();
        let mut new = new_snapshot(&source, n);
        new.label = Some("secret plans".into());
        tx.insert_snapshot(&new).await.unwrap();
        let mut event = draft("snapshot.created", n);
        event.tenant = tenant.clone();
        event.data = serde_json::json!({"label": "secret plans"}).into();
        tx.record(event);
        tx.commit().await.unwrap();
    }
    let mut read = fixture.catalog.read().await.unwrap();
    let filter = SnapshotFilter {
        tenant: Some(acme.clone()),
        text: Some("secret".into()),
        ..SnapshotFilter::default()
    };
    let page = read.list_snapshots(&filter, &Paging::default()).await.unwrap();
    assert_eq!((page.total, page.items[0].tenant.clone()), (1, acme.clone()));
    let filter =
        EventFilter { tenant: Some(acme.clone()), text: Some("plans".into()), ..EventFilter::default() };
    let page = read.list_events(&filter, &Paging::default()).await.unwrap();
    assert_eq!((page.total, page.items[0].tenant.clone()), (1, acme));
}

async fn an_event_is_found_by_what_it_tells(fixture: &Fixture) {
    let mut event = draft("snapshot.restored", 1);
    event.data = serde_json::json!({"paths": ["src/main.rs"], "files": 4711}).into();
    fixture.record([event, draft("snapshot.created", 2)]).await;
    let mut read = fixture.catalog.read().await.unwrap();
    for (text, expected) in [
        ("restored", 1),
        ("Ada", 2),
        ("main.rs", 1),
        ("4711", 1),
        ("471", 0),
        ("snap rest", 0),
        ("snap* rest*", 1),
        ("47*", 1),
        ("ada created 4711", 0),
    ] {
        let filter = EventFilter { text: Some(text.into()), ..EventFilter::default() };
        let page = read.list_events(&filter, &Paging::default()).await.unwrap();
        assert_eq!((page.total, page.items.len() as u64), (expected, expected), "{text}");
        let bounded = Paging { total: Total::UpTo(1), ..Paging::first(1) };
        let page = read.list_events(&filter, &bounded).await.unwrap();
        assert_eq!((page.total, page.total_exact), (expected.min(1), expected <= 1), "{text}");
    }
}

async fn matches_of_a_busy_actor_are_not_all_counted_where_that_takes_long(fixture: &Fixture) {
    fixture.record((0..600).map(|n| draft("snapshot.created", n))).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let of_ada = EventFilter {
        tenant: Some(TenantId::default_tenant()),
        actor: Some(draft("x.y", 0).actor.id),
        text: Some("created".into()),
        ..EventFilter::default()
    };
    for filter in [EventFilter { until: Some(at(10_000)), ..of_ada.clone() }, of_ada] {
        let bounded = Paging { total: Total::UpTo(1000), ..Paging::first(5) };
        let page = read.list_events(&filter, &bounded).await.unwrap();
        assert_eq!(page.items.iter().map(|event| event.seq).collect::<Vec<_>>(), [600, 599, 598, 597, 596]);
        if fixture.is_postgres() {
            assert_eq!(
                (page.total, page.total_exact),
                (257, false),
                "each of them is somewhere else in the table"
            );
        } else {
            assert_eq!((page.total, page.total_exact), (600, true));
        }
        let whole = read.list_events(&filter, &Paging::first(5)).await.unwrap();
        assert_eq!((whole.total, whole.total_exact), (600, true));
    }
}

async fn a_changed_label_is_found_and_the_old_one_is_not(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut new = new_snapshot(&source, 1);
    new.label = Some("before".into());
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_snapshot(&new).await.unwrap();
    tx.describe_snapshot(&new.id, Some("after"), None).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    for (text, expected) in [("before", 0), ("after", 1)] {
        let filter = SnapshotFilter { text: Some(text.into()), ..SnapshotFilter::default() };
        assert_eq!(read.list_snapshots(&filter, &Paging::default()).await.unwrap().total, expected);
    }
}

async fn any_text_is_harmless(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut texts = Vec::new();
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    for _ in 0..40 {
        texts.push(any::<String>().new_tree(&mut runner).unwrap().current());
    }
    for (n, text) in texts.iter().enumerate() {
        let mut new = new_snapshot(&source, n as u64);
        new.label = Some(text.clone());
        let mut tx = fixture.catalog.begin().await.unwrap();
        tx.insert_snapshot(&new).await.unwrap();
        tx.commit().await.unwrap();
        let filter = SnapshotFilter { text: Some(text.clone()), ..SnapshotFilter::default() };
        let page =
            fixture.catalog.read().await.unwrap().list_snapshots(&filter, &Paging::default()).await.unwrap();
        let searchable = text.chars().any(char::is_alphanumeric);
        assert_eq!(page.items.iter().any(|row| row.id == new.id), searchable, "{text:?}");
    }
}
