//! The task queue.

use backstay_catalog::{
    CatalogError, ClaimOptions, Enqueued, Finish, Paging, TaskFilter, TaskRow, TaskState,
};
use backstay_model::Timestamp;
use serde_json::json;

use crate::fixture::{Fixture, START, at, new_task, task_id};
use crate::on_both;

on_both!(
    a_task_goes_through_its_life,
    an_idempotency_key_gives_the_first_task,
    tasks_come_by_priority_then_time,
    only_wanted_kinds_are_claimed,
    a_dead_workers_task_is_taken_over_and_its_writes_are_refused,
    a_task_is_retried_until_its_attempts_are_used_up,
    cancelling_ends_a_waiting_task_and_tells_a_running_one,
    a_clock_that_jumps_back_loses_and_doubles_nothing,
    tasks_are_listed_and_forgotten,
);

pub(crate) fn claim(owner: &str, now: Timestamp) -> ClaimOptions {
    ClaimOptions { kinds: Vec::new(), owner: owner.into(), now, lease_seconds: 60 }
}

async fn enqueue(fixture: &Fixture, change: impl Fn(u64, &mut backstay_catalog::NewTask), count: u64) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 1..=count {
        let mut task = new_task(n);
        change(n, &mut task);
        assert!(matches!(tx.enqueue(&task).await.unwrap(), Enqueued::New(_)));
    }
    tx.commit().await.unwrap();
}

async fn finish(
    fixture: &Fixture,
    row: &TaskRow,
    now: Timestamp,
    finish: Finish,
) -> Result<TaskRow, CatalogError> {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let done = tx.finish_task(&row.lease().unwrap(), now, finish).await?;
    tx.commit().await.unwrap();
    Ok(done)
}

async fn a_task_goes_through_its_life(fixture: &Fixture) {
    enqueue(fixture, |_, _| {}, 1).await;
    let row = fixture.catalog.claim_task(&claim("w1", at(5))).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempts, row.payload.clone()), (TaskState::Running, 1, json!({"n": 1})));
    assert_eq!((row.started_at, row.lease_expires_at), (Some(at(5)), Some(at(65))));
    assert_eq!(fixture.catalog.claim_task(&claim("w2", at(5))).await.unwrap(), None);

    let lease = row.lease().unwrap();
    let beat = fixture.catalog.heartbeat(&lease, at(40), 60, Some(&json!({"bytes": 7}))).await.unwrap();
    assert!(!beat.cancel_requested);
    assert_eq!(fixture.catalog.claim_task(&claim("w2", at(99))).await.unwrap(), None);
    let done = finish(fixture, &row, at(50), Finish::Done(json!("ok"))).await.unwrap();
    assert_eq!(
        (done.state, done.result, done.progress),
        (TaskState::Done, Some(json!("ok")), Some(json!({"bytes": 7})))
    );
    assert!(done.state.is_final());
    assert!(matches!(
        finish(fixture, &row, at(51), Finish::Cancelled).await,
        Err(CatalogError::Conflict { .. })
    ));
    assert!(matches!(
        fixture.catalog.heartbeat(&lease, at(51), 60, None).await,
        Err(CatalogError::Conflict { .. })
    ));
}

async fn an_idempotency_key_gives_the_first_task(fixture: &Fixture) {
    enqueue(fixture, |_, task| task.idempotency_key = Some("nightly/2026-01-03".into()), 1).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    let mut second = new_task(2);
    second.idempotency_key = Some("nightly/2026-01-03".into());
    let Enqueued::Existing(row) = tx.enqueue(&second).await.unwrap() else { panic!("it was queued twice") };
    assert_eq!(row.id, task_id(1));
    tx.commit().await.unwrap();
    assert_eq!(fixture.catalog.read().await.unwrap().task(&task_id(2)).await.unwrap(), None);
}

async fn tasks_come_by_priority_then_time(fixture: &Fixture) {
    enqueue(
        fixture,
        |n, task| {
            task.priority = if n == 3 { 10 } else { 0 };
            task.run_at = at([9, 5, 7, 1000][n as usize - 1]);
        },
        4,
    )
    .await;
    let mut order = Vec::new();
    while let Some(row) = fixture.catalog.claim_task(&claim("w", at(10))).await.unwrap() {
        order.push(row.id);
    }
    assert_eq!(order, [task_id(3), task_id(2), task_id(1)]);
}

async fn only_wanted_kinds_are_claimed(fixture: &Fixture) {
    enqueue(fixture, |n, task| task.kind = ["verify", "capture"][n as usize - 1].into(), 2).await;
    let options = ClaimOptions { kinds: vec!["capture".into(), "restore".into()], ..claim("w", at(1)) };
    assert_eq!(fixture.catalog.claim_task(&options).await.unwrap().unwrap().id, task_id(2));
    assert_eq!(fixture.catalog.claim_task(&options).await.unwrap(), None);
}

async fn a_dead_workers_task_is_taken_over_and_its_writes_are_refused(fixture: &Fixture) {
    enqueue(fixture, |_, _| {}, 1).await;
    let first = fixture.catalog.claim_task(&claim("dead", at(0))).await.unwrap().unwrap();
    assert_eq!(fixture.catalog.claim_task(&claim("alive", at(59))).await.unwrap(), None);
    let second = fixture.catalog.claim_task(&claim("alive", at(60))).await.unwrap().unwrap();
    assert_eq!((second.id.clone(), second.attempts), (first.id.clone(), 2));
    assert!(second.lease_epoch > first.lease_epoch);
    let stale = first.lease().unwrap();
    assert!(matches!(
        fixture.catalog.heartbeat(&stale, at(61), 60, None).await,
        Err(CatalogError::Conflict { .. })
    ));
    assert!(matches!(
        finish(fixture, &first, at(61), Finish::Cancelled).await,
        Err(CatalogError::Conflict { .. })
    ));
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert!(matches!(tx.check_lease(&stale).await, Err(CatalogError::Conflict { .. })));
    tx.check_lease(&second.lease().unwrap()).await.unwrap();
    tx.roll_back().await;
    // The same worker under a new lease is another worker, too.
    let third = fixture.catalog.claim_task(&claim("alive", at(200))).await.unwrap().unwrap();
    assert!(matches!(
        finish(fixture, &second, at(201), Finish::Cancelled).await,
        Err(CatalogError::Conflict { .. })
    ));
    finish(fixture, &third, at(201), Finish::Done(json!(null))).await.unwrap();
}

async fn a_task_is_retried_until_its_attempts_are_used_up(fixture: &Fixture) {
    enqueue(fixture, |_, task| task.max_attempts = 2, 1).await;
    let retry = |at| Finish::Retry { at, error: "the disk was away".into() };
    let row = fixture.catalog.claim_task(&claim("w", at(0))).await.unwrap().unwrap();
    let row = finish(fixture, &row, at(1), retry(at(30))).await.unwrap();
    assert_eq!((row.state, row.run_at, row.finished_at), (TaskState::Queued, at(30), None));
    assert_eq!(fixture.catalog.claim_task(&claim("w", at(29))).await.unwrap(), None);
    let row = fixture.catalog.claim_task(&claim("w", at(30))).await.unwrap().unwrap();
    let row = finish(fixture, &row, at(31), retry(at(60))).await.unwrap();
    assert_eq!((row.state, row.error.as_deref()), (TaskState::Failed, Some("the disk was away")));
    assert_eq!(row.finished_at, Some(at(31)));
}

async fn cancelling_ends_a_waiting_task_and_tells_a_running_one(fixture: &Fixture) {
    enqueue(fixture, |_, _| {}, 2).await;
    let running = fixture.catalog.claim_task(&claim("w", at(0))).await.unwrap().unwrap();
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.cancel_task(&running.id, at(1)).await.unwrap().state, TaskState::Running);
    assert_eq!(tx.cancel_task(&task_id(2), at(1)).await.unwrap().state, TaskState::Cancelled);
    assert!(matches!(tx.cancel_task(&task_id(2), at(1)).await, Err(CatalogError::Conflict { .. })));
    assert!(matches!(tx.cancel_task(&task_id(9), at(1)).await, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
    let beat = fixture.catalog.heartbeat(&running.lease().unwrap(), at(2), 60, None).await.unwrap();
    assert!(beat.cancel_requested);
    assert_eq!(fixture.catalog.claim_task(&claim("w", at(3))).await.unwrap(), None);
}

async fn a_clock_that_jumps_back_loses_and_doubles_nothing(fixture: &Fixture) {
    enqueue(fixture, |n, task| task.run_at = at(1000 + n), 2).await;
    let row = fixture.catalog.claim_task(&claim("w1", at(1001))).await.unwrap().unwrap();
    // An hour back: the lease still holds, nothing is claimed twice, the heartbeat moves the lease to the new time.
    assert_eq!(fixture.catalog.claim_task(&claim("w2", START)).await.unwrap(), None);
    fixture.catalog.heartbeat(&row.lease().unwrap(), START, 60, None).await.unwrap();
    assert_eq!(fixture.catalog.claim_task(&claim("w2", at(30))).await.unwrap(), None);
    let taken = fixture.catalog.claim_task(&claim("w2", at(60))).await.unwrap().unwrap();
    assert_eq!(taken.id, row.id);
    finish(fixture, &taken, at(61), Finish::Done(json!(1))).await.unwrap();
    assert_eq!(fixture.catalog.claim_task(&claim("w2", at(1002))).await.unwrap().unwrap().id, task_id(2));
}

async fn tasks_are_listed_and_forgotten(fixture: &Fixture) {
    enqueue(fixture, |_, _| {}, 5).await;
    let row = fixture.catalog.claim_task(&claim("w", at(0))).await.unwrap().unwrap();
    finish(fixture, &row, at(10), Finish::Done(json!(null))).await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let queued = TaskFilter { state: Some(TaskState::Queued), ..TaskFilter::default() };
    let page = read.list_tasks(&queued, &Paging::first(3)).await.unwrap();
    assert_eq!((page.total, page.items[0].id.clone()), (4, task_id(5)));
    let next = read.list_tasks(&queued, &Paging { after: page.next, ..Paging::first(3) }).await.unwrap();
    assert_eq!((next.items.len(), next.next), (1, None));
    drop(read);
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.forget_tasks(at(10)).await.unwrap(), 0);
    assert_eq!(tx.forget_tasks(at(11)).await.unwrap(), 1);
    tx.commit().await.unwrap();
}
