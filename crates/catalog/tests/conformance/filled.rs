//! A catalog that was filled in bulk is like one that was filled event by event.

use backstay_catalog::testing::{FillOptions, Generator, fill};
use backstay_catalog::{EventFilter, Paging, SnapshotFilter, Total};
use backstay_model::{Event, Outcome, SnapshotState, TenantId};

use crate::fixture::{Fixture, draft};
use crate::on_both;

on_both!(a_filled_catalog_is_whole_and_goes_on, rare_and_common_words_are_found_in_a_long_log);

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

/// The log is longer than what a search looks at before it chooses its way.
async fn rare_and_common_words_are_found_in_a_long_log(fixture: &Fixture) {
    let generator = Generator::new(300, 9000);
    fill(&fixture.catalog, &FillOptions { generator: generator.clone(), progress: &|_, _| {} })
        .await
        .unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let all = read.list_events(&EventFilter::default(), &Paging::first(10_000)).await.unwrap().items;
    let ticket = |event: &Event| {
        let data: serde_json::Value = serde_json::from_str(event.data.as_json()).unwrap();
        data["ticket"].as_str().unwrap().to_owned()
    };
    let (oldest, middle) = (&all[8990], &all[4000]);
    let none = EventFilter::default;
    let of_actor =
        EventFilter { tenant: Some(middle.tenant.clone()), actor: Some(middle.actor.id.clone()), ..none() };
    let with_source = all[2000..].iter().find(|event| event.source.is_some()).unwrap();
    let filters = [
        EventFilter { text: Some(ticket(oldest)), ..none() },
        EventFilter { text: Some(ticket(middle)), tenant: Some(middle.tenant.clone()), ..none() },
        EventFilter { text: Some(ticket(middle)), since: Some(middle.at), ..none() },
        EventFilter { text: Some(ticket(middle)), until: Some(middle.at), ..none() },
        EventFilter { text: Some(ticket(oldest)), outcome: Some(oldest.outcome), ..none() },
        EventFilter { text: Some("nowhere".into()), ..none() },
        EventFilter { text: Some("case".into()), ..none() },
        EventFilter { text: Some("case1*".into()), ..none() },
        EventFilter { text: Some("case12*".into()), outcome: Some(Outcome::Failed), ..none() },
        EventFilter { text: Some("case1*".into()), actor: Some(middle.actor.id.clone()), ..none() },
        EventFilter { text: Some("case*".into()), ..of_actor.clone() },
        EventFilter { text: Some("case1*".into()), since: Some(all[8000].at), ..of_actor.clone() },
        EventFilter { text: Some("case*".into()), until: Some(middle.at), ..of_actor.clone() },
        EventFilter { text: Some("nowhere".into()), until: Some(middle.at), ..of_actor.clone() },
        EventFilter {
            text: Some("case*".into()),
            since: Some(all[7000].at),
            until: Some(all[1000].at),
            outcome: Some(middle.outcome),
            ..of_actor.clone()
        },
        EventFilter { text: Some("case*".into()), source: with_source.source.clone(), ..of_actor },
        EventFilter {
            text: Some("case*".into()),
            tenant: Some(with_source.tenant.clone()),
            source: with_source.source.clone(),
            since: Some(all[8000].at),
            ..none()
        },
    ];
    for filter in filters {
        let text = filter.text.clone().unwrap();
        let has = |word: &str| match text.strip_suffix('*') {
            Some(beginning) => word.starts_with(beginning),
            None => word == text,
        };
        let expected: Vec<u64> = all
            .iter()
            .filter(|event| has(&ticket(event)))
            .filter(|event| filter.tenant.as_ref().is_none_or(|tenant| *tenant == event.tenant))
            .filter(|event| filter.actor.as_ref().is_none_or(|actor| *actor == event.actor.id))
            .filter(|event| filter.source.is_none() || filter.source == event.source)
            .filter(|event| filter.outcome.is_none_or(|outcome| outcome == event.outcome))
            .filter(|event| filter.since.is_none_or(|since| event.at >= since))
            .filter(|event| filter.until.is_none_or(|until| event.at < until))
            .map(|event| event.seq)
            .collect();
        let mut found = Vec::new();
        let mut paging = Paging { total: Total::UpTo(100), ..Paging::first(40) };
        loop {
            let page = read.list_events(&filter, &paging).await.unwrap();
            assert_eq!(
                (page.total as usize, page.total_exact),
                (expected.len().min(100), expected.len() <= 100),
                "{filter:?}"
            );
            found.extend(page.items.iter().map(|event| event.seq));
            let Some(next) = page.next else { break };
            paging.after = Some(next);
        }
        assert_eq!(found, expected, "{filter:?}");
        let whole = read.list_events(&filter, &Paging::first(10_000)).await.unwrap();
        assert_eq!(whole.total as usize, expected.len(), "{filter:?}");
    }
}
