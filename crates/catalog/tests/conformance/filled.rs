//! A catalog that was filled in bulk is like one that was filled event by event.

use backstay_catalog::testing::{FillOptions, Generator, fill};
use backstay_catalog::{EventFilter, Paging, SnapshotFilter};
use backstay_model::{SnapshotState, TenantId};

use crate::fixture::{Fixture, draft};
use crate::on_both;

on_both!(a_filled_catalog_is_whole_and_goes_on);

async fn a_filled_catalog_is_whole_and_goes_on(fixture: &Fixture) {
    let generator = Generator::new(300, 900);
    fill(&fixture.catalog, &FillOptions { generator: generator.clone(), progress: &|_, _| {} })
        .await
        .unwrap();
    fixture.record([draft("snapshot.created", 1)]).await;
    let mut read = fixture.catalog.read().await.unwrap();
    let report = read.verify_chain().await.unwrap();
    assert_eq!((report.events, report.is_whole()), (901, true), "{report:?}");
    let filters = [
        SnapshotFilter::default(),
        SnapshotFilter { tenant: Some(TenantId::default_tenant()), ..SnapshotFilter::default() },
        SnapshotFilter { states: vec![SnapshotState::Deleted], ..SnapshotFilter::default() },
        SnapshotFilter { text: Some("nightly".into()), ..SnapshotFilter::default() },
        SnapshotFilter {
            since: Some(generator.start.plus_seconds(100_000)),
            until: Some(generator.start.plus_seconds(9_000_000)),
            ..SnapshotFilter::default()
        },
    ];
    for filter in filters {
        let page = read.list_snapshots(&filter, &Paging::first(1000)).await.unwrap();
        assert!(page.total > 0, "{filter:?}");
        assert_eq!(page.total as usize, page.items.len(), "{filter:?}");
    }
    let filters = [
        EventFilter::default(),
        EventFilter { tenant: Some(TenantId::default_tenant()), ..EventFilter::default() },
        EventFilter { actions: vec!["snapshot.".into()], ..EventFilter::default() },
        EventFilter { text: Some("nightly".into()), ..EventFilter::default() },
        EventFilter {
            source: Some(generator.source_id(5)),
            tenant: Some(TenantId::default_tenant()),
            ..EventFilter::default()
        },
    ];
    for filter in filters {
        let page = read.list_events(&filter, &Paging::first(1000)).await.unwrap();
        assert!(page.total > 0, "{filter:?}");
        assert_eq!(page.total as usize, page.items.len(), "{filter:?}");
    }
}
