use std::sync::Arc;

use backstay_model::retention::Rules;
use backstay_model::{ErrorKind, SnapshotState};
use backstay_service::view::{NewSnapshot, RestoreRequest, SnapshotFilter};
use backstay_service::{LazyRepository, PageRequest, Parts, Run, Service};
use backstay_store::testing::{Fault, FaultStore};
use backstay_store::{Store, StoreErrorKind};

use crate::fixture::{Fixture, repository_in, root_caller, service_at, settings};
use crate::on_both;

on_both!(
    a_store_that_fails_at_any_write_costs_nothing_but_that_snapshot,
    a_capture_whose_process_died_is_closed_when_its_lease_has_run_out,
    the_catalog_is_rebuilt_from_the_repository_alone,
    a_catalog_from_an_old_backup_is_brought_up_to_date,
    a_capture_that_ran_during_the_backup_is_kept,
    another_repository_marks_nothing,
    a_clock_that_jumps_back_costs_nothing,
    an_interrupted_deletion_is_finished,
);

fn all() -> SnapshotFilter {
    SnapshotFilter { states: SnapshotState::ALL.to_vec(), ..SnapshotFilter::default() }
}

async fn states(service: &Service) -> Vec<(String, SnapshotState)> {
    let page = PageRequest::first(1000);
    let found = service.list_snapshots(&root_caller(), &all(), &page).await.unwrap();
    found.items.into_iter().map(|snapshot| (snapshot.id.to_string(), snapshot.state)).collect()
}

/// A service of the same catalog whose store fails.
async fn faulty(fixture: &Fixture) -> (Service, Arc<FaultStore>) {
    let store = Arc::new(FaultStore::new(Arc::clone(&fixture.store)));
    let dynamic: Arc<dyn Store> = Arc::clone(&store) as _;
    let options = backstay_catalog::CatalogOptions { connections: 2, ..Default::default() };
    let catalog = backstay_catalog::Catalog::open(&fixture.database.location(), &options).await.unwrap();
    let service = Service::new(Parts {
        catalog,
        repository: LazyRepository::opened(repository_in(&dynamic)),
        repository_directory: None,
        clock: Arc::clone(&fixture.clock) as _,
        rng: Arc::new(backstay_model::SeededRng::new(5)),
        settings: settings(),
    });
    (service, store)
}

async fn a_store_that_fails_at_any_write_costs_nothing_but_that_snapshot(fixture: &Fixture) {
    fixture.write("a", "1");
    let good = fixture.save("").await;
    let mut failed = 0;
    for write in 0.. {
        fixture.write("a", &format!("content {write} {}", "x".repeat(5000)));
        fixture.clock.advance(60);
        let (service, store) = faulty(fixture).await;
        store.fail(Fault::new(StoreErrorKind::Full).on_changes().after(write).forever());
        let new = NewSnapshot::default();
        let taken = service.create_snapshot(&root_caller(), fixture.source_id(), new, &Run::default()).await;
        store.heal();
        match taken {
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::StorageFull, "{error}");
                failed += 1;
            }
            Ok(_) => break,
        }
        assert!(write < 100, "a capture has fewer writes");
    }
    assert!(failed > 0, "at least one write was made to fail");
    let found = states(&fixture.service).await;
    assert_eq!(found.iter().filter(|(_, state)| *state == SnapshotState::Failed).count(), failed);
    assert_eq!(found.iter().filter(|(_, state)| *state == SnapshotState::Ready).count(), 2);
    let target = fixture.scratch.path().join("out");
    let run = Run::default();
    fixture
        .service
        .restore_to(&root_caller(), &good.id, RestoreRequest::default(), &target, &run)
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(target.join("a")).unwrap(), "1");
    fixture.assert_audit().await;
}

async fn a_capture_whose_process_died_is_closed_when_its_lease_has_run_out(fixture: &Fixture) {
    fixture.write("a", "1");
    let service = &fixture.service;
    let new = NewSnapshot::default();
    let queued = service.queue_snapshot(&root_caller(), fixture.source_id(), new).await.unwrap();
    fixture.clock.advance(3600);
    service.tidy().await.unwrap();
    let waiting = service.show_snapshot(&root_caller(), &queued.id).await.unwrap();
    assert_eq!(waiting.state, SnapshotState::Creating, "it waits for its worker");
    fixture.clock.advance(24 * 3600);
    service.tidy().await.unwrap();
    let closed = service.show_snapshot(&root_caller(), &queued.id).await.unwrap();
    assert_eq!(closed.state, SnapshotState::Failed);
    assert_eq!(closed.state_reason.as_deref(), Some("the capture was interrupted"));
}

async fn the_catalog_is_rebuilt_from_the_repository_alone(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("first").await;
    fixture.write("a", "2");
    let second = fixture.save("second").await;

    let database = fixture.database.another();
    let rebuilt = service_at(&database, &fixture.store, &fixture.clock, 7, settings()).await;
    let report = rebuilt.rebuild_catalog(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!((report.manifests, report.sources, report.snapshots), (2, 1, 2));
    for snapshot in [&first, &second] {
        let found = rebuilt.show_snapshot(&root_caller(), &snapshot.id).await.unwrap();
        assert_eq!(
            (found.state, &found.label, found.created_at),
            (SnapshotState::Ready, &snapshot.label, snapshot.created_at)
        );
        assert_eq!((found.counts, found.logical_bytes), (snapshot.counts, snapshot.logical_bytes));
    }
    let again = rebuilt.rebuild_catalog(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!((again.sources, again.snapshots), (0, 0), "a repetition changes nothing");

    // The workspace is known by its root, so a restore works.
    let source = rebuilt.find_workspace(&root_caller(), &fixture.root).await.unwrap().unwrap();
    assert_eq!(source.id, *fixture.source_id());
    let plan = rebuilt.plan_restore(&root_caller(), &first.id, RestoreRequest::default()).await.unwrap();
    rebuilt.restore_snapshot(&root_caller(), &plan.id, &Run::default()).await.unwrap();
    assert_eq!(fixture.read("a").as_deref(), Some("1"));
    assert!(rebuilt.verify_audit(&root_caller()).await.unwrap().valid);
}

async fn a_catalog_from_an_old_backup_is_brought_up_to_date(fixture: &Fixture) {
    fixture.write("a", "1");
    let kept = fixture.save("kept").await;
    let deleted_before = fixture.save("deleted before the backup").await;
    fixture.service.delete_snapshot(&root_caller(), &deleted_before.id, "").await.unwrap();
    let deleted_after = fixture.save("deleted after the backup").await;
    // What a backup is: everything that was committed, in a consistent state.
    fixture.service.close().await;
    let backup = fixture.database.back_up();
    let live = fixture.again(8).await;
    live.delete_snapshot(&root_caller(), &deleted_after.id, "").await.unwrap();
    fixture.write("a", "2");
    fixture.clock.advance(60);
    let new = live
        .create_snapshot(&root_caller(), fixture.source_id(), NewSnapshot::default(), &Run::default())
        .await
        .unwrap();

    live.close().await;
    fixture.database.put_back(&backup);
    let old = fixture.again(9).await;
    let report = old.reconcile(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!(report.adopted, std::slice::from_ref(&new.id));
    assert_eq!(report.missing, std::slice::from_ref(&deleted_after.id));
    assert!(old.show_snapshot(&root_caller(), &deleted_after.id).await.unwrap().damaged);
    assert!(!old.show_snapshot(&root_caller(), &kept.id).await.unwrap().damaged);
    assert_eq!(old.show_snapshot(&root_caller(), &new.id).await.unwrap().state, SnapshotState::Ready);
    let again = old.reconcile(&root_caller(), &Run::default()).await.unwrap();
    assert!(again.adopted.is_empty(), "a repetition adopts nothing");
    assert!(old.verify_audit(&root_caller()).await.unwrap().valid);
}

async fn an_interrupted_deletion_is_finished(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    let (service, store) = faulty(fixture).await;
    store.fail(Fault::new(StoreErrorKind::Unavailable).on_changes().forever());
    service.delete_snapshot(&root_caller(), &first.id, "").await.unwrap_err();
    assert_eq!(states(&fixture.service).await[0].1, SnapshotState::Deleting);
    let report = fixture.service.reconcile(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!(report.deleted, [first.id]);
    assert_eq!(states(&fixture.service).await[0].1, SnapshotState::Deleted);
    assert!(repository_in(&fixture.store).manifests().unwrap().is_empty());
}

async fn a_capture_that_ran_during_the_backup_is_kept(fixture: &Fixture) {
    fixture.write("a", "1");
    let new = NewSnapshot::default();
    let queued = fixture.service.queue_snapshot(&root_caller(), fixture.source_id(), new).await.unwrap();
    fixture.service.close().await;
    let backup = fixture.database.back_up();

    let live = fixture.again(2).await;
    let task = live.claim_task("w1").await.unwrap().unwrap();
    let result = live.run_task(&task, &Run::default()).await;
    live.finish_task(&task, result).await.unwrap();
    assert_eq!(live.show_snapshot(&root_caller(), &queued.id).await.unwrap().state, SnapshotState::Ready);
    live.close().await;
    fixture.database.put_back(&backup);
    fixture.clock.advance(3 * 86_400);

    let old = fixture.again(3).await;
    assert_eq!(old.show_snapshot(&root_caller(), &queued.id).await.unwrap().state, SnapshotState::Creating);
    old.tidy().await.unwrap();
    old.reconcile(&root_caller(), &Run::default()).await.unwrap();
    assert_eq!(old.show_snapshot(&root_caller(), &queued.id).await.unwrap().state, SnapshotState::Ready);
    let target = fixture.scratch.path().join("out");
    let request = RestoreRequest::default();
    old.restore_to(&root_caller(), &queued.id, request, &target, &Run::default()).await.unwrap();
    assert_eq!(std::fs::read_to_string(target.join("a")).unwrap(), "1");
    assert!(old.verify_audit(&root_caller()).await.unwrap().valid);
}

async fn another_repository_marks_nothing(fixture: &Fixture) {
    fixture.write("a", "1");
    let kept = fixture.save("").await;
    let other: Arc<dyn Store> = Arc::new(backstay_store::MemoryStore::new());
    let service = service_at(&fixture.database, &other, &fixture.clock, 2, settings()).await;
    let refused = service.reconcile(&root_caller(), &Run::default()).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(!service.show_snapshot(&root_caller(), &kept.id).await.unwrap().damaged);
}

async fn a_clock_that_jumps_back_costs_nothing(fixture: &Fixture) {
    fixture.write("a", "1");
    let before = fixture.save("before").await;
    fixture.clock.advance(-10 * 86_400);
    fixture.write("a", "2");
    let after = fixture.save("after").await;
    assert!(after.created_at < before.created_at, "the clock did jump");

    // Retention by age and by number: what is dated later than now stays.
    let rules = Some(Rules::last(1));
    fixture.service.prune_snapshots(&root_caller(), fixture.source_id(), rules, false).await.unwrap();
    fixture.service.tidy().await.unwrap();
    fixture.service.reconcile(&root_caller(), &Run::default()).await.unwrap();
    for snapshot in [&before, &after] {
        let now = fixture.service.show_snapshot(&root_caller(), &snapshot.id).await.unwrap();
        assert_eq!(now.state, SnapshotState::Ready, "{}", now.label);
    }
    fixture.restore(&before).await;
    assert_eq!(fixture.read("a").as_deref(), Some("1"));
    fixture.clock.advance(10 * 86_400);
    fixture.restore(&after).await;
    assert_eq!(fixture.read("a").as_deref(), Some("2"));
    let events = fixture.actions().await;
    assert_eq!(
        events.iter().filter(|action| *action == "snapshot.created").count(),
        4,
        "two safety snapshots: {events:?}"
    );
    fixture.assert_audit().await;
}
