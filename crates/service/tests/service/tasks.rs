use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};

use backstay_model::{ErrorKind, Role, SnapshotState};
use backstay_repository::Progress;
use backstay_service::view::{
    NewSnapshot, OperationState, RestoreRequest, TaskProgress, TaskState, VerifyDepth, VerifyReport,
    VerifyScope,
};
use backstay_service::{Heartbeat, Run, Service, ServiceError};
use backstay_store::{MemoryStore, ObjectMeta, Store};

use crate::fixture::{Fixture, caller, root_caller, service_at, settings};
use crate::on_both;

on_both!(
    a_queued_snapshot_is_taken_by_a_worker,
    a_cancelled_task_closes_its_snapshot,
    the_task_of_a_dead_worker_is_taken_over,
    a_failing_capture_is_tried_again_only_when_that_may_help,
    a_restore_and_its_undo_are_done_by_a_worker,
    a_restore_whose_worker_died_before_it_began_is_closed,
    daily_work_is_queued_once_a_day_by_any_number_of_servers,
    a_verification_marks_what_is_lost_and_unmarks_what_is_whole,
    a_daily_verification_marks_the_snapshot_whose_manifest_is_gone,
    a_verification_of_everything_bears_with_what_happens_meanwhile,
    a_verification_of_everything_marks_nothing_when_the_repository_is_another,
);

/// Claims the next task and runs it to its end.
async fn work(fixture: &Fixture) {
    let task = fixture.service.claim_task("w1").await.unwrap().expect("a task is due");
    let result = fixture.service.run_task(&task, &Run::default()).await;
    fixture.service.finish_task(&task, result).await.unwrap();
}

async fn a_queued_snapshot_is_taken_by_a_worker(fixture: &Fixture) {
    fixture.write("a", "1");
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let new = NewSnapshot { label: "queued".into(), pin: true, ..NewSnapshot::default() };
    let queued = service.queue_snapshot(&operator, fixture.source_id(), new).await.unwrap();
    let waiting = service.show_snapshot(&operator, &queued.id).await.unwrap();
    assert_eq!(waiting.state, SnapshotState::Creating);
    let task = service.show_task(&operator, &queued.task).await.unwrap();
    assert_eq!((task.state, task.subject.as_deref()), (TaskState::Queued, Some(queued.id.as_str())));
    work(fixture).await;
    let done = service.show_snapshot(&operator, &queued.id).await.unwrap();
    assert_eq!((done.state, done.label.as_str(), done.pinned), (SnapshotState::Ready, "queued", true));
    let task = service.wait_task(&operator, &queued.task, std::time::Duration::ZERO).await.unwrap();
    assert_eq!(task.state, TaskState::Done);
    assert_eq!(task.result.unwrap()["snapshot_id"], queued.id.as_str());
    fixture.assert_audit().await;
}

async fn a_cancelled_task_closes_its_snapshot(fixture: &Fixture) {
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let queued =
        service.queue_snapshot(&operator, fixture.source_id(), NewSnapshot::default()).await.unwrap();
    let cancelled = service.cancel_task(&operator, &queued.task).await.unwrap();
    assert_eq!(cancelled.state, TaskState::Cancelled);
    let closed = service.show_snapshot(&operator, &queued.id).await.unwrap();
    assert_eq!(closed.state, SnapshotState::Failed);
    assert!(service.claim_task("w1").await.unwrap().is_none());
    assert_eq!(service.cancel_task(&operator, &queued.task).await.unwrap_err().kind, ErrorKind::Conflict);
}

async fn the_task_of_a_dead_worker_is_taken_over(fixture: &Fixture) {
    fixture.write("a", "1");
    let service = &fixture.service;
    let queued =
        service.queue_snapshot(&root_caller(), fixture.source_id(), NewSnapshot::default()).await.unwrap();
    let dead = service.claim_task("dead").await.unwrap().unwrap();
    assert!(service.claim_task("w1").await.unwrap().is_none(), "the lease holds");
    fixture.clock.advance(61);
    let taken = service.claim_task("w1").await.unwrap().unwrap();
    assert_eq!((taken.id(), taken.attempt()), (&queued.task, 2));
    let beat = service.heartbeat_task(&dead, &TaskProgress::default()).await.unwrap();
    assert_eq!(beat, Heartbeat::Lost);
    let result = service.run_task(&taken, &Run::default()).await;
    service.finish_task(&taken, result).await.unwrap();
    // The dead one wakes up and changes nothing.
    service.finish_task(&dead, Err(backstay_service::ServiceError::conflict("late"))).await.unwrap();
    let task = service.show_task(&root_caller(), &queued.task).await.unwrap();
    assert_eq!(task.state, TaskState::Done);
    assert_eq!(service.show_snapshot(&root_caller(), &queued.id).await.unwrap().state, SnapshotState::Ready);
}

async fn a_failing_capture_is_tried_again_only_when_that_may_help(fixture: &Fixture) {
    let service = &fixture.service;
    let new = NewSnapshot { paths: vec!["missing".into()], ..NewSnapshot::default() };
    let queued = service.queue_snapshot(&root_caller(), fixture.source_id(), new).await.unwrap();
    work(fixture).await;
    let task = service.show_task(&root_caller(), &queued.task).await.unwrap();
    assert_eq!(task.state, TaskState::Failed);
    assert!(task.error.unwrap().contains("missing"));
    let snapshot = service.show_snapshot(&root_caller(), &queued.id).await.unwrap();
    assert_eq!(snapshot.state, SnapshotState::Failed);
    assert!(snapshot.state_reason.unwrap().contains("missing"));
}

async fn a_restore_and_its_undo_are_done_by_a_worker(fixture: &Fixture) {
    fixture.write("a", "1");
    let good = fixture.save("").await;
    fixture.write("a", "2");
    let service = &fixture.service;
    let technical = caller(Role::Technical);
    let plan = service.plan_restore(&technical, &good.id, RestoreRequest::default()).await.unwrap();
    let queued = service.queue_restore(&technical, fixture.source_id(), &plan.id).await.unwrap();
    // A save in between does not mistake the waiting operation for an interrupted one.
    fixture.save("in between").await;
    assert_eq!(
        service.show_operation(&technical, &queued.operation).await.unwrap().state,
        OperationState::Running
    );
    work(fixture).await;
    assert_eq!(fixture.read("a").as_deref(), Some("1"));
    let done = service.show_operation(&technical, &queued.operation).await.unwrap();
    assert_eq!((done.state, done.serial_after), (OperationState::Done, Some(1)));
    let undo = service.queue_undo(&technical, &queued.operation, false).await.unwrap();
    work(fixture).await;
    assert_eq!(fixture.read("a").as_deref(), Some("2"));
    assert_eq!(
        service.show_operation(&technical, &undo.operation).await.unwrap().state,
        OperationState::Done
    );
    let again = service.queue_restore(&technical, fixture.source_id(), &plan.id).await.unwrap_err();
    assert_eq!(again.word(), "stale_plan");
}

async fn a_restore_whose_worker_died_before_it_began_is_closed(fixture: &Fixture) {
    fixture.write("a", "1");
    let good = fixture.save("").await;
    fixture.write("a", "2");
    let service = &fixture.service;
    let plan = service.plan_restore(&root_caller(), &good.id, RestoreRequest::default()).await.unwrap();
    let queued = service.queue_restore(&root_caller(), fixture.source_id(), &plan.id).await.unwrap();
    service.claim_task("dead").await.unwrap().unwrap();
    fixture.clock.advance(61);
    work(fixture).await;
    assert_eq!(service.show_task(&root_caller(), &queued.task).await.unwrap().state, TaskState::Failed);
    let operation = service.show_operation(&root_caller(), &queued.operation).await.unwrap();
    assert_eq!(operation.state, OperationState::NeedsRecovery);
    let report = service.recover(&root_caller(), fixture.source_id(), false, &Run::default()).await.unwrap();
    assert_eq!(report.rolled_back, std::slice::from_ref(&queued.operation));
    let operation = service.show_operation(&root_caller(), &queued.operation).await.unwrap();
    assert_eq!(operation.state, OperationState::Failed);
    assert_eq!(fixture.read("a").as_deref(), Some("2"));
}

async fn daily_work_is_queued_once_a_day_by_any_number_of_servers(fixture: &Fixture) {
    let other = fixture.again(2).await;
    let queued = fixture.service.queue_daily_work().await.unwrap() + other.queue_daily_work().await.unwrap();
    assert_eq!(queued, 2, "a verification and a collection");
    work(fixture).await;
    work(fixture).await;
    assert_eq!(fixture.service.queue_daily_work().await.unwrap(), 0);
    fixture.clock.advance(86_400);
    assert_eq!(other.queue_daily_work().await.unwrap(), 2);
}

async fn a_verification_marks_what_is_lost_and_unmarks_what_is_whole(fixture: &Fixture) {
    fixture.write("a", &"content ".repeat(1000));
    let good = fixture.save("").await;
    let service = &fixture.service;
    let scope = VerifyScope::Snapshots(vec![good.id.clone()]);
    let run = Run::default();
    let operator = caller(Role::Operator);
    let whole = service.verify_snapshots(&operator, &scope, VerifyDepth::Full, &run).await.unwrap();
    assert!(whole.healthy && whole.bytes_read > 0, "{whole:?}");
    assert!(service.show_snapshot(&operator, &good.id).await.unwrap().verified_at.is_some());

    let mut packs = Vec::new();
    fixture
        .store
        .list("packs", &mut |meta| {
            packs.push(meta.name);
            true
        })
        .unwrap();
    let kept: Vec<_> = packs.iter().map(|name| (name.clone(), fixture.store.get(name).unwrap())).collect();
    for name in &packs {
        fixture.store.delete(name).unwrap();
    }
    // A cache of the opened repository would still know the content.
    let fresh = fixture.again(3).await;
    let lost = fresh.verify_snapshots(&operator, &scope, VerifyDepth::Structure, &run).await.unwrap();
    assert!(!lost.healthy);
    assert!(lost.damage.iter().any(|damage| damage.snapshot.as_ref() == Some(&good.id)), "{lost:?}");
    assert!(fresh.show_snapshot(&operator, &good.id).await.unwrap().damaged);
    for (name, bytes) in kept {
        fixture.store.put(&name, &bytes).unwrap();
    }
    let fresh = fixture.again(4).await;
    let healed = fresh.verify_snapshots(&operator, &scope, VerifyDepth::Full, &run).await.unwrap();
    assert!(healed.healthy);
    assert!(!fresh.show_snapshot(&operator, &good.id).await.unwrap().damaged);
    fixture.assert_audit().await;
}

async fn verify_all(service: &Service, run: &Run) -> Result<VerifyReport, ServiceError> {
    service.verify_snapshots(&root_caller(), &VerifyScope::All, VerifyDepth::Full, run).await
}

async fn a_daily_verification_marks_the_snapshot_whose_manifest_is_gone(fixture: &Fixture) {
    let service = &fixture.service;
    let lost = fixture.save("").await;
    let mut manifest = None;
    let mut take = |meta: ObjectMeta| manifest.replace(meta.name).is_none();
    fixture.store.list("snapshots", &mut take).unwrap();
    let mut saved = vec![lost.clone()];
    for n in 0..2 {
        fixture.write("a", &format!("{n}"));
        saved.push(fixture.save("").await);
    }
    fixture.store.delete(&manifest.unwrap()).unwrap();

    assert_eq!(service.queue_daily_work().await.unwrap(), 2);
    work(fixture).await;
    for snapshot in &saved {
        let now = service.show_snapshot(&root_caller(), &snapshot.id).await.unwrap();
        assert!(now.verified_at.is_some());
        assert_eq!(now.damaged, snapshot.id == lost.id, "{}", snapshot.id);
    }
    let report = verify_all(service, &Run::default()).await.unwrap();
    assert!(!report.healthy);
    assert_eq!((report.snapshots, report.damage.len()), (2, 1));
    assert_eq!(report.damage[0].snapshot.as_ref(), Some(&lost.id));
    let events = fixture.actions().await;
    assert_eq!(
        events.iter().filter(|action| *action == "snapshot.damaged").count(),
        1,
        "only the first time"
    );
    fixture.assert_audit().await;
}

/// Stops a verification at its first step until the other end of `open` is dropped.
#[derive(Debug)]
struct Gate {
    reached: tokio::sync::Notify,
    open: Mutex<Receiver<()>>,
}

impl Progress for Gate {
    fn expect(&self, _: u64, _: u64) {
        self.reached.notify_one();
        self.open.lock().unwrap().recv().unwrap_err();
    }
}

async fn a_verification_of_everything_bears_with_what_happens_meanwhile(fixture: &Fixture) {
    let service = &fixture.service;
    let mut saved = Vec::new();
    for n in 0..2 {
        fixture.write("a", &format!("{n}"));
        saved.push(fixture.save("").await);
    }
    let (shut, open) = mpsc::channel();
    let gate = Arc::new(Gate { reached: tokio::sync::Notify::new(), open: Mutex::new(open) });
    let run = Run { progress: gate.clone(), ..Run::default() };
    let deleted = saved[0].id.clone();
    let meanwhile = async move {
        gate.reached.notified().await;
        service.delete_snapshot(&root_caller(), &deleted, "").await.unwrap();
        fixture.write("a", "new");
        let new = fixture.save("").await;
        drop(shut);
        new
    };
    let (report, new) = tokio::join!(verify_all(service, &run), meanwhile);
    let report = report.unwrap();
    assert!(report.healthy, "{report:?}");
    let verified = async |id| service.show_snapshot(&root_caller(), id).await.unwrap().verified_at.is_some();
    assert!(verified(&saved[1].id).await);
    assert!(!verified(&new.id).await, "it was not there");
    fixture.assert_audit().await;
}

async fn a_verification_of_everything_marks_nothing_when_the_repository_is_another(fixture: &Fixture) {
    fixture.write("a", "1");
    let kept = fixture.save("").await;
    let other: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let service = service_at(&fixture.database, &other, &fixture.clock, 2, settings()).await;
    let refused = verify_all(&service, &Run::default()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(!service.show_snapshot(&root_caller(), &kept.id).await.unwrap().damaged);
}
