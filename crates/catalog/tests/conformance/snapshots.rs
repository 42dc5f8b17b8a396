//! The life of a snapshot.

use std::slice;

use backstay_catalog::{CatalogError, HoldRow, SnapshotRow};
use backstay_model::{HoldId, SnapshotState, TenantId};
use serde_json::json;

use crate::fixture::{Fixture, START, ada, at, content, new_snapshot, snapshot_id, tombstone};
use crate::on_both;

on_both!(
    a_snapshot_reads_back_through_its_whole_life,
    a_step_out_of_order_is_a_conflict_and_changes_nothing,
    a_pinned_snapshot_cannot_be_deleted,
    a_hold_outlives_the_pin,
    dead_captures_are_closed_and_living_ones_are_not,
    equal_times_are_moved_apart,
    an_adopted_snapshot_keeps_everything,
    a_prefix_finds_its_snapshots,
    statistics_follow_every_step,
    a_row_is_never_removed,
    a_broken_row_is_named,
);

async fn a_snapshot_reads_back_through_its_whole_life(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut new = new_snapshot(&source, 1);
    new.label = Some("before 100% \"quoted\" 'upgrade'\0 ✓".into());
    new.attributes = json!({"scope": ["a\0b"]});

    let mut tx = fixture.catalog.begin().await.unwrap();
    let row = tx.insert_snapshot(&new).await.unwrap();
    assert_eq!(row.state, SnapshotState::Creating);
    tx.commit().await.unwrap();

    let mut read = fixture.catalog.read().await.unwrap();
    let row = read.snapshot(&new.id).await.unwrap().unwrap();
    assert_eq!(row.label.as_deref(), Some("before 100% \"quoted\" 'upgrade'\u{fffd} ✓"));
    assert_eq!(row.attributes, new.attributes);
    assert_eq!((row.created_at, row.lease_owner.as_deref()), (at(1), Some("worker")));
    drop(read);

    let mut tx = fixture.catalog.begin().await.unwrap();
    let row = tx.ready_snapshot(&new.id, "worker", &content(7), at(2)).await.unwrap();
    assert_eq!((row.state, row.manifest_id.as_deref()), (SnapshotState::Ready, Some("manifest-7")));
    assert_eq!((row.logical_bytes, row.lease_owner, row.finished_at), (1007, None, Some(at(2))));
    let row = tx.set_snapshot_damaged(&new.id, at(3), "chunk missing").await.unwrap();
    assert_eq!((row.verified_at, row.damage.as_deref()), (Some(at(3)), Some("chunk missing")));
    tx.set_snapshots_whole(&[new.id.clone(), snapshot_id(99)], at(4)).await.unwrap();
    let row = tx.snapshot(&new.id).await.unwrap().unwrap();
    assert_eq!((row.verified_at, row.damage), (Some(at(4)), None));
    let row = tx.describe_snapshot(&new.id, Some("after"), Some("why")).await.unwrap();
    assert_eq!((row.label.as_deref(), row.description.as_deref()), (Some("after"), Some("why")));
    let row = tx.describe_snapshot(&new.id, Some(""), None).await.unwrap();
    assert_eq!((row.label, row.description.as_deref()), (None, Some("why")));
    let row = tx.begin_delete(&new.id, &tombstone(4)).await.unwrap();
    assert_eq!((row.state, row.tombstone), (SnapshotState::Deleting, Some(tombstone(4))));
    let row = tx.end_delete(&new.id).await.unwrap();
    assert_eq!(row.state, SnapshotState::Deleted);
    tx.set_snapshots_whole(slice::from_ref(&new.id), at(9)).await.unwrap();
    assert_eq!(tx.snapshot(&new.id).await.unwrap().unwrap().verified_at, Some(at(4)), "it is gone");
    tx.commit().await.unwrap();
}

async fn a_step_out_of_order_is_a_conflict_and_changes_nothing(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let ready = fixture.add_ready(&source, 1).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    let conflict = |result: Result<SnapshotRow, CatalogError>| match result {
        Err(CatalogError::Conflict { found, .. }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(conflict(tx.ready_snapshot(&ready.id, "worker", &content(2), at(9)).await), "ready");
    assert_eq!(conflict(tx.fail_snapshot(&ready.id, "no", at(9)).await), "ready");
    assert_eq!(conflict(tx.end_delete(&ready.id).await), "ready");
    let missing = tx.begin_delete(&snapshot_id(99), &tombstone(9)).await;
    assert!(matches!(missing, Err(CatalogError::NotFound { .. })), "{missing:?}");
    tx.insert_snapshot(&new_snapshot(&source, 2)).await.unwrap();
    assert_eq!(conflict(tx.ready_snapshot(&snapshot_id(2), "thief", &content(2), at(9)).await), "creating");
    assert_eq!(conflict(tx.begin_delete(&snapshot_id(2), &tombstone(9)).await), "creating");
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.snapshot(&ready.id).await.unwrap().unwrap(), ready);
}

async fn a_pinned_snapshot_cannot_be_deleted(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let row = fixture.add_ready(&source, 1).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert!(tx.insert_hold(&hold(1, &row, true)).await.unwrap());
    assert!(!tx.insert_hold(&hold(2, &row, true)).await.unwrap());
    let refused = tx.begin_delete(&row.id, &tombstone(3)).await;
    assert!(
        matches!(&refused, Err(CatalogError::Conflict { found, .. }) if found == "pinned"),
        "{refused:?}"
    );
    assert!(tx.release_pin(&row.id).await.unwrap());
    assert!(!tx.release_pin(&row.id).await.unwrap());
    tx.begin_delete(&row.id, &tombstone(3)).await.unwrap();
    let late = tx.insert_hold(&hold(3, &row, false)).await;
    assert!(matches!(late, Err(CatalogError::Conflict { .. })), "{late:?}");
    tx.commit().await.unwrap();
}

async fn a_hold_outlives_the_pin(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let row = fixture.add_ready(&source, 1).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_hold(&hold(1, &row, true)).await.unwrap();
    tx.insert_hold(&hold(2, &row, false)).await.unwrap();
    tx.release_pin(&row.id).await.unwrap();
    assert!(tx.snapshot(&row.id).await.unwrap().unwrap().pinned);
    assert_eq!(tx.expired_holds(at(99)).await.unwrap(), []);
    assert_eq!(tx.expired_holds(at(100)).await.unwrap(), [hold(2, &row, false)]);
    assert_eq!(tx.release_hold(&hold(2, &row, false).id).await.unwrap(), hold(2, &row, false));
    assert!(!tx.snapshot(&row.id).await.unwrap().unwrap().pinned);
    assert!(matches!(tx.release_hold(&hold(2, &row, false).id).await, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
}

fn hold(n: u64, row: &SnapshotRow, pin: bool) -> HoldRow {
    HoldRow {
        id: HoldId::parse(&format!("hold-{n}")).unwrap(),
        snapshot: row.id.clone(),
        reason: "audit".into(),
        until: (!pin).then(|| at(100)),
        pin,
        created_at: at(n),
        created_by: ada(),
    }
}

async fn dead_captures_are_closed_and_living_ones_are_not(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 1..=2 {
        tx.insert_snapshot(&new_snapshot(&source, n)).await.unwrap();
    }
    tx.extend_capture(&snapshot_id(2), "worker", at(500)).await.unwrap();
    assert!(matches!(
        tx.extend_capture(&snapshot_id(2), "thief", at(900)).await,
        Err(CatalogError::Conflict { .. })
    ));
    let closed = tx.close_expired_captures(at(100), "its process ended").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(closed.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [snapshot_id(1)]);
    assert_eq!(closed[0].failure.as_deref(), Some("its process ended"));
    // The capture that was thought dead cannot finish any more.
    let mut tx = fixture.catalog.begin().await.unwrap();
    let late = tx.ready_snapshot(&snapshot_id(1), "worker", &content(1), at(101)).await;
    assert!(matches!(&late, Err(CatalogError::Conflict { found, .. }) if found == "failed"), "{late:?}");
    tx.ready_snapshot(&snapshot_id(2), "worker", &content(2), at(101)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn equal_times_are_moved_apart(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    let mut times = Vec::new();
    for n in 0..5 {
        let mut new = new_snapshot(&source, n);
        new.created_at = START;
        times.push(tx.insert_snapshot(&new).await.unwrap().created_at.as_micros() - START.as_micros());
    }
    tx.commit().await.unwrap();
    assert_eq!(times, [0, 1, 2, 3, 4]);
}

async fn an_adopted_snapshot_keeps_everything(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut row = fixture.add_ready(&source, 1).await;
    row.id = snapshot_id(2);
    row.created_at = at(2);
    row.state = SnapshotState::Deleted;
    row.tombstone = Some(tombstone(3));
    row.verified_at = Some(at(4));
    row.partial = true;
    row.warnings = json!([{"path": "a", "code": "unreadable"}]);
    row.warning_count = 1;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.adopt_snapshot(row.clone()).await.unwrap(), row);
    let again = tx.adopt_snapshot(row.clone()).await;
    assert!(matches!(&again, Err(CatalogError::Duplicate { field, .. }) if field == "id"), "{again:?}");
    assert!(matches!(tx.commit().await, Err(CatalogError::GivenUp)));

    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.snapshot(&row.id).await.unwrap(), None);
    tx.adopt_snapshot(row.clone()).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.snapshot(&row.id).await.unwrap(), Some(row));
}

async fn a_prefix_finds_its_snapshots(fixture: &Fixture) {
    let source = fixture.default_source().await;
    for n in [10, 11, 20] {
        fixture.add_ready(&source, n).await;
    }
    let mut read = fixture.catalog.read().await.unwrap();
    let mut find = async |prefix: &str| {
        let rows = read.snapshots_with_prefix(Some(&source.id), prefix, 5).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(find("snapshot-000000000000001").await, [snapshot_id(10), snapshot_id(11)]);
    assert_eq!(find("snapshot-0000000000000020-abcdefgh").await, [snapshot_id(20)]);
    assert_eq!(find("%").await, []);
    assert_eq!(find("").await, []);
    assert_eq!(find("SNAPSHOT-").await, []);
    assert_eq!(read.latest_ready(&source.id).await.unwrap().unwrap().id, snapshot_id(20));
    assert_eq!(read.snapshot_of_manifest("manifest-11").await.unwrap().unwrap().id, snapshot_id(11));
}

async fn statistics_follow_every_step(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let day = 24 * 3600;
    for n in [1, 2, day, 2 * day] {
        fixture.add_ready(&source, n).await;
    }
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.begin_delete(&snapshot_id(2), &tombstone(3)).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    for (tenant, source) in
        [(None, None), (Some(TenantId::default_tenant()), None), (None, Some(source.id.clone()))]
    {
        let statistics = read.statistics(tenant.as_ref(), source.as_ref()).await.unwrap();
        let count = |state| statistics.by_state.iter().find(|(other, _)| *other == state).unwrap().1;
        assert_eq!((count(SnapshotState::Ready), count(SnapshotState::Deleting)), (3, 1));
        assert_eq!(statistics.logical_bytes, 3000 + 1 + 3 * day);
        assert_eq!(statistics.stored_bytes, 30 + 1 + 3 * day);
        let growth = read.growth(tenant.as_ref(), source.as_ref(), START, at(3 * day)).await.unwrap();
        assert_eq!(growth.iter().map(|day| day.snapshots).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(growth[1].added_bytes, 100 + day);
    }
}

async fn a_row_is_never_removed(fixture: &Fixture) {
    let source = fixture.default_source().await;
    fixture.add_ready(&source, 1).await;
    assert!(!fixture.try_sql("DELETE FROM snapshots").await);
    assert!(fixture.catalog.read().await.unwrap().snapshot(&snapshot_id(1)).await.unwrap().is_some());
}

async fn a_broken_row_is_named(fixture: &Fixture) {
    let source = fixture.default_source().await;
    fixture.add_ready(&source, 1).await;
    fixture.tamper("UPDATE snapshots SET state = 'banana'").await;
    let error = fixture.catalog.read().await.unwrap().snapshot(&snapshot_id(1)).await.unwrap_err();
    let CatalogError::BrokenRow { table, column, id, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*table, column.as_str(), id.as_str()), ("snapshots", "state", snapshot_id(1).as_str()));
}
