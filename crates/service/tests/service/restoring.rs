use backstay_model::{ErrorKind, Role};
use backstay_service::Run;
use backstay_service::view::{OperationState, RestoreRequest};

use crate::fixture::{Fixture, caller, root_caller};
use crate::on_both;

on_both!(
    restore_undo_and_redo,
    undo_touches_only_what_the_operation_changed,
    undo_of_an_edited_path_is_a_conflict_unless_forced,
    a_stale_a_used_and_an_expired_plan_are_refused,
    one_path_is_restored_and_what_is_new_can_be_kept,
    a_restore_that_changes_nothing_takes_no_safety_snapshot,
    a_snapshot_is_restored_into_an_empty_directory,
);

async fn restore_undo_and_redo(fixture: &Fixture) {
    fixture.write("kept", "kept");
    fixture.write("edited", "before");
    fixture.write("removed", "back");
    let good = fixture.save("good").await;
    fixture.write("edited", "after");
    fixture.write("new", "new");
    std::fs::remove_file(fixture.root.join("removed")).unwrap();

    let technical = caller(Role::Technical);
    let service = &fixture.service;
    let plan = service.plan_restore(&technical, &good.id, RestoreRequest::default()).await.unwrap();
    assert_eq!(
        (plan.summary.added, plan.summary.modified, plan.summary.deleted),
        (1, 1, 1),
        "{:?}",
        plan.changes
    );
    assert_eq!(plan.state_serial, 0);
    let operation = service.restore_snapshot(&technical, &plan.id, &Run::default()).await.unwrap();
    assert_eq!((operation.state, operation.serial_after), (OperationState::Done, Some(1)));
    assert_eq!(fixture.read("edited").as_deref(), Some("before"));
    assert_eq!(fixture.read("removed").as_deref(), Some("back"));
    assert_eq!(fixture.read("new"), None);

    let undone = service.undo_operation(&technical, &operation.id, false, &Run::default()).await.unwrap();
    assert_eq!(undone.serial_after, Some(2));
    assert_eq!(fixture.read("edited").as_deref(), Some("after"));
    assert_eq!(fixture.read("removed"), None);
    assert_eq!(fixture.read("new").as_deref(), Some("new"));

    let last = service.last_undoable(&technical, fixture.source_id()).await.unwrap().unwrap();
    assert_eq!(last.id, undone.id);
    service.undo_operation(&technical, &last.id, false, &Run::default()).await.unwrap();
    assert_eq!(fixture.read("edited").as_deref(), Some("before"), "undoing an undo is redo");
    assert_eq!(fixture.read("new"), None);
    fixture.assert_audit().await;
}

async fn undo_touches_only_what_the_operation_changed(fixture: &Fixture) {
    fixture.write("dir/a", "1");
    let good = fixture.save("").await;
    fixture.write("dir/a", "2");
    let operation = fixture.restore(&good).await;
    fixture.write("dir/other", "mine");
    fixture.write("elsewhere", "mine");
    fixture.service.undo_operation(&root_caller(), &operation.id, false, &Run::default()).await.unwrap();
    assert_eq!(fixture.read("dir/a").as_deref(), Some("2"));
    assert_eq!(fixture.read("dir/other").as_deref(), Some("mine"));
    assert_eq!(fixture.read("elsewhere").as_deref(), Some("mine"));
}

async fn undo_of_an_edited_path_is_a_conflict_unless_forced(fixture: &Fixture) {
    fixture.write("a", "1");
    let good = fixture.save("").await;
    fixture.write("a", "2");
    let operation = fixture.restore(&good).await;
    fixture.write("a", "edited since");
    let service = &fixture.service;
    let conflict =
        service.undo_operation(&root_caller(), &operation.id, false, &Run::default()).await.unwrap_err();
    assert_eq!((conflict.kind, conflict.word()), (ErrorKind::Conflict, "conflict"));
    assert_eq!(conflict.fields[0].field, "a");
    assert_eq!(fixture.read("a").as_deref(), Some("edited since"), "nothing is applied");
    service.undo_operation(&root_caller(), &operation.id, true, &Run::default()).await.unwrap();
    assert_eq!(fixture.read("a").as_deref(), Some("2"));
}

async fn a_stale_a_used_and_an_expired_plan_are_refused(fixture: &Fixture) {
    fixture.write("a", "1");
    let good = fixture.save("").await;
    fixture.write("a", "2");
    let service = &fixture.service;
    let caller = root_caller();
    let stale = service.plan_restore(&caller, &good.id, RestoreRequest::default()).await.unwrap();
    let used = service.plan_restore(&caller, &good.id, RestoreRequest::default()).await.unwrap();
    service.restore_snapshot(&caller, &used.id, &Run::default()).await.unwrap();
    let expired = service.plan_restore(&caller, &good.id, RestoreRequest::default()).await.unwrap();
    fixture.clock.advance(25 * 3600);
    fixture.write("a", "3");
    for plan in [&stale.id, &used.id, &expired.id] {
        let refused = service.restore_snapshot(&caller, plan, &Run::default()).await.unwrap_err();
        assert_eq!(
            (refused.kind, refused.word()),
            (ErrorKind::Conflict, "stale_plan"),
            "{}",
            refused.message
        );
    }
    assert_eq!(fixture.read("a").as_deref(), Some("3"));
    let unknown = service.restore_snapshot(&caller, "plan-none", &Run::default()).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotFound);
}

async fn one_path_is_restored_and_what_is_new_can_be_kept(fixture: &Fixture) {
    fixture.write("a", "1");
    fixture.write("b", "1");
    let good = fixture.save("").await;
    fixture.write("a", "2");
    fixture.write("b", "2");
    fixture.write("new", "new");
    let service = &fixture.service;
    let one = RestoreRequest { paths: vec!["a".into()], keep_new: false };
    let plan = service.plan_restore(&root_caller(), &good.id, one).await.unwrap();
    service.restore_snapshot(&root_caller(), &plan.id, &Run::default()).await.unwrap();
    assert_eq!((fixture.read("a").as_deref(), fixture.read("b").as_deref()), (Some("1"), Some("2")));
    let keep = RestoreRequest { paths: vec![], keep_new: true };
    let plan = service.plan_restore(&root_caller(), &good.id, keep).await.unwrap();
    service.restore_snapshot(&root_caller(), &plan.id, &Run::default()).await.unwrap();
    assert_eq!((fixture.read("b").as_deref(), fixture.read("new").as_deref()), (Some("1"), Some("new")));
}

async fn a_restore_that_changes_nothing_takes_no_safety_snapshot(fixture: &Fixture) {
    fixture.write("a", "1");
    let good = fixture.save("").await;
    let operation = fixture.restore(&good).await;
    assert_eq!(
        (operation.state, operation.serial_after, operation.snapshot),
        (OperationState::Done, None, None)
    );
}

async fn a_snapshot_is_restored_into_an_empty_directory(fixture: &Fixture) {
    fixture.write("dir/a", "1");
    let good = fixture.save("").await;
    let target = fixture.scratch.path().join("elsewhere");
    let service = &fixture.service;
    let all = RestoreRequest::default();
    let report =
        service.restore_to(&root_caller(), &good.id, all.clone(), &target, &Run::default()).await.unwrap();
    assert_eq!(std::fs::read_to_string(target.join("dir/a")).unwrap(), "1");
    assert!(report.not_restored.is_empty());
    let again =
        service.restore_to(&root_caller(), &good.id, all, &target, &Run::default()).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Conflict);
}
