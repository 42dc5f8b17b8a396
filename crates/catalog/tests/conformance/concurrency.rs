//! Many at once.

use std::collections::HashMap;
use std::sync::Arc;

use backstay_catalog::{CatalogError, Finish, HoldRow};
use backstay_model::HoldId;
use serde_json::json;
use tokio::sync::Mutex;

use crate::fixture::{Fixture, START, ada, at, draft, new_task, snapshot_id, tombstone};
use crate::on_both;
use crate::tasks::claim;

on_both!(
    each_task_is_claimed_once,
    concurrent_writers_leave_one_chain,
    a_dropped_writer_blocks_nobody,
    of_two_opposing_changes_exactly_one_wins,
    a_reader_sees_only_what_is_committed,
);

async fn each_task_is_claimed_once(fixture: &Fixture) {
    const TASKS: u64 = 60;
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 0..TASKS {
        tx.enqueue(&new_task(n)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let other = fixture.again().await;
    let claimed = Arc::new(Mutex::new(HashMap::new()));
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..10 {
        let catalog = if worker % 2 == 0 { fixture.catalog.clone() } else { other.clone() };
        let claimed = Arc::clone(&claimed);
        workers.spawn(async move {
            let name = format!("w{worker}");
            while let Some(row) = catalog.claim_task(&claim(&name, START)).await.unwrap() {
                *claimed.lock().await.entry(row.id.clone()).or_insert(0) += 1;
                let mut tx = catalog.begin().await.unwrap();
                tx.finish_task(&row.lease().unwrap(), at(1), Finish::Done(json!(null))).await.unwrap();
                tx.record(draft("task.done", 1));
                tx.commit().await.unwrap();
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    let claimed = claimed.lock().await;
    // SKIP LOCKED may let a worker go home early; what is left is still there for the next one.
    let mut left = 0;
    while fixture.catalog.claim_task(&claim("last", START)).await.unwrap().is_some() {
        left += 1;
    }
    assert_eq!(claimed.len() as u64 + left, TASKS);
    assert!(claimed.values().all(|times| *times == 1));
    other.close().await;
}

async fn concurrent_writers_leave_one_chain(fixture: &Fixture) {
    let other = fixture.again().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16u64 {
        let catalog = if writer % 2 == 0 { fixture.catalog.clone() } else { other.clone() };
        writers.spawn(async move {
            for n in 0..10 {
                let mut tx = catalog.begin().await.unwrap();
                tx.set_setting(&format!("w{writer}"), &json!(n), START).await.unwrap();
                tx.record(draft("setting.changed", writer * 100 + n));
                if n % 3 == 0 {
                    tx.record(draft("setting.noted", writer * 100 + n));
                }
                if n == 5 {
                    tx.roll_back().await;
                } else {
                    // Whoever is told that it is committed can read it at once.
                    let seq = tx.commit().await.unwrap().events[0].seq;
                    assert!(catalog.read().await.unwrap().event(seq).await.unwrap().is_some());
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let mut read = fixture.catalog.read().await.unwrap();
    let report = read.verify_chain().await.unwrap();
    assert_eq!((report.events, report.is_whole()), (16 * 13, true), "{report:?}");
    for writer in 0..16 {
        assert_eq!(read.setting(&format!("w{writer}")).await.unwrap(), Some(json!(9)));
    }
    other.close().await;
}

async fn a_dropped_writer_blocks_nobody(fixture: &Fixture) {
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let catalog = fixture.catalog.clone();
        writers.spawn(async move {
            let mut tx = catalog.begin().await.unwrap();
            tx.record(draft("a", n));
            match n % 4 {
                0 => drop(tx),
                // The future is dropped while it waits or commits.
                1 => drop(tokio::time::timeout(std::time::Duration::from_micros(n * 20), tx.commit()).await),
                _ => drop(tx.commit().await.unwrap()),
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    fixture.record([draft("last", 1)]).await;
    let report = fixture.catalog.read().await.unwrap().verify_chain().await.unwrap();
    assert!(report.is_whole(), "{report:?}");
    assert!(report.events >= 11, "{report:?}");
}

async fn of_two_opposing_changes_exactly_one_wins(fixture: &Fixture) {
    let source = fixture.default_source().await;
    for n in 0..10 {
        fixture.add_ready(&source, n).await;
        let (pin, delete) = (fixture.catalog.clone(), fixture.catalog.clone());
        let pinned = tokio::spawn(async move {
            let mut tx = pin.begin().await.unwrap();
            let hold = HoldRow {
                id: HoldId::parse(&format!("hold-{n}")).unwrap(),
                snapshot: snapshot_id(n),
                reason: String::new(),
                until: None,
                pin: true,
                created_at: at(1),
                created_by: ada(),
            };
            let outcome = tx.insert_hold(&hold).await;
            tx.commit().await.unwrap();
            outcome
        });
        let deleted = tokio::spawn(async move {
            let mut tx = delete.begin().await.unwrap();
            let deleted = tx.begin_delete(&snapshot_id(n), &tombstone(1)).await;
            tx.commit().await.unwrap();
            deleted
        });
        let outcome = (pinned.await.unwrap(), deleted.await.unwrap());
        assert!(
            matches!(
                outcome,
                (Ok(true), Err(CatalogError::Conflict { .. })) | (Err(CatalogError::Conflict { .. }), Ok(_))
            ),
            "{outcome:?}"
        );
    }
}

async fn a_reader_sees_only_what_is_committed(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.set_setting("a", &json!(1), START).await.unwrap();
    assert_eq!(tx.setting("a").await.unwrap(), Some(json!(1)));
    assert_eq!(fixture.catalog.read().await.unwrap().setting("a").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(fixture.catalog.read().await.unwrap().setting("a").await.unwrap(), Some(json!(1)));
}
