//! Whatever happens, in whatever order: totals equal what counting finds.

use backstay_catalog::{CatalogError, HoldRow, Paging, SnapshotFilter, SnapshotRow};
use backstay_model::{HoldId, SnapshotState, TenantId, Trigger};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{Fixture, ada, at, content, new_snapshot, snapshot_id, tombstone};
use crate::lists::selects;

#[derive(Debug, Clone)]
enum Step {
    Create {
        source: usize,
        trigger: usize,
        time: u64,
        label: bool,
    },
    Ready(u64),
    Fail(u64),
    Pin(u64),
    Unpin(u64),
    Delete(u64),
    EndDelete(u64),
    /// Everything since the step before the last commit is undone.
    RollBack,
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0u64..12;
    prop_oneof![
        4 => (0usize..3, 0usize..6, 0u64..400_000, any::<bool>())
            .prop_map(|(source, trigger, time, label)| Step::Create { source, trigger, time, label }),
        4 => which.clone().prop_map(Step::Ready),
        1 => which.clone().prop_map(Step::Fail),
        2 => which.clone().prop_map(Step::Pin),
        1 => which.clone().prop_map(Step::Unpin),
        2 => which.clone().prop_map(Step::Delete),
        1 => which.prop_map(Step::EndDelete),
        1 => Just(Step::RollBack),
        2 => Just(Step::Commit),
    ]
}

fn filters() -> impl Strategy<Value = Vec<SnapshotFilter>> {
    let some_states = proptest::sample::subsequence(SnapshotState::ALL, 0..3);
    let some_triggers = proptest::sample::subsequence(Trigger::ALL, 0..3);
    let times = proptest::option::of(0u64..400_000);
    let filter = (
        some_states,
        some_triggers,
        times.clone(),
        times,
        0u8..4,
        proptest::option::of(any::<bool>()),
        0u8..4,
    )
        .prop_map(|(states, triggers, since, until, scope, pinned, label)| SnapshotFilter {
            states,
            triggers,
            since: since.map(at),
            until: until.map(at),
            pinned,
            tenant: (scope == 1 || scope == 3).then(TenantId::default_tenant),
            source: (scope >= 2).then(|| source_id(0)),
            label: (label == 0).then(|| "nightly".into()),
            ..SnapshotFilter::default()
        });
    proptest::collection::vec(filter, 6)
}

fn source_id(n: usize) -> backstay_model::SourceId {
    backstay_model::SourceId::parse(&format!("src-{}-s{n}", ["default", "default", "acme"][n])).unwrap()
}

async fn run(fixture: &Fixture, steps: &[Step], filters: &[SnapshotFilter]) {
    let acme = fixture.add_tenant("acme").await;
    let default = TenantId::default_tenant();
    let mut sources = Vec::new();
    for (n, tenant) in [&default, &default, &acme].into_iter().enumerate() {
        sources.push(fixture.add_source(tenant, &format!("s{n}")).await);
    }
    let mut tx = fixture.catalog.begin().await.unwrap();
    let (mut next, mut committed) = (0, 0);
    for step in steps {
        let outcome = match step {
            Step::Create { source, trigger, time, label } => {
                let mut new = new_snapshot(&sources[*source], next);
                new.created_at = at(*time);
                new.trigger = Trigger::ALL[*trigger];
                new.label = label.then(|| "nightly".to_owned());
                next += 1;
                tx.insert_snapshot(&new).await.map(|_| ())
            }
            Step::Ready(n) => {
                tx.ready_snapshot(&snapshot_id(*n), "worker", &content(*n), at(1)).await.map(|_| ())
            }
            Step::Fail(n) => tx.fail_snapshot(&snapshot_id(*n), "failed", at(1)).await.map(|_| ()),
            Step::Pin(n) => {
                let row = HoldRow {
                    id: HoldId::parse(&format!("hold-{n}")).unwrap(),
                    snapshot: snapshot_id(*n),
                    reason: String::new(),
                    until: None,
                    pin: true,
                    created_at: at(1),
                    created_by: ada(),
                };
                tx.insert_hold(&row).await.map(|_| ())
            }
            Step::Unpin(n) => tx.release_pin(&snapshot_id(*n)).await.map(|_| ()),
            Step::Delete(n) => tx.begin_delete(&snapshot_id(*n), &tombstone(1)).await.map(|_| ()),
            Step::EndDelete(n) => tx.end_delete(&snapshot_id(*n)).await.map(|_| ()),
            Step::RollBack => {
                tx.roll_back().await;
                next = committed;
                tx = fixture.catalog.begin().await.unwrap();
                Ok(())
            }
            Step::Commit => {
                tx.commit().await.unwrap();
                committed = next;
                tx = fixture.catalog.begin().await.unwrap();
                Ok(())
            }
        };
        match outcome {
            Ok(()) | Err(CatalogError::Conflict { .. } | CatalogError::NotFound { .. }) => {}
            Err(error) => panic!("{step:?}: {error}"),
        }
    }
    tx.commit().await.unwrap();

    let mut read = fixture.catalog.read().await.unwrap();
    let mut rows: Vec<SnapshotRow> = Vec::new();
    for n in 0..next {
        rows.extend(read.snapshot(&snapshot_id(n)).await.unwrap());
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.created_at));
    assert_eq!(rows.len() as u64, next);
    for filter in filters {
        let expected: Vec<&SnapshotRow> = rows.iter().filter(|row| selects(filter, row)).collect();
        let page = read.list_snapshots(filter, &Paging::first(100)).await.unwrap();
        assert_eq!(page.total as usize, expected.len(), "{filter:?}");
        assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    let statistics = read.statistics(Some(&default), None).await.unwrap();
    let ready: u64 = rows
        .iter()
        .filter(|row| row.tenant == default && row.state == SnapshotState::Ready)
        .map(|row| row.stored_bytes)
        .sum();
    assert_eq!(statistics.stored_bytes, ready);
}

fn check(cases: u32, open: impl AsyncFn() -> Option<Fixture>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let strategy = (proptest::collection::vec(step(), 1..60), filters());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&strategy, |(steps, filters)| {
            runtime.block_on(async {
                if let Some(fixture) = open().await {
                    run(&fixture, &steps, &filters).await;
                    fixture.finish().await;
                }
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn sqlite_totals_equal_a_naive_count() {
    check(32, async || Some(Fixture::sqlite().await));
}

#[test]
fn postgres_totals_equal_a_naive_count() {
    check(8, Fixture::postgres);
}
