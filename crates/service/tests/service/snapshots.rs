use backstay_model::retention::Rules;
use backstay_model::{ErrorKind, Role, SnapshotState, Trigger};
use backstay_service::view::ChangeKind::{Added, Deleted, Modified};
use backstay_service::view::{
    Against, DiffOptions, EntryOptions, NewHold, NewSnapshot, RestoreRequest, SnapshotFilter,
};
use backstay_service::{PageRequest, Run};

use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    a_snapshot_is_taken_shown_and_read,
    recursive_entries_page_through_the_whole_tree,
    an_unchanged_save_adds_nothing_and_a_diff_tells_what_changed,
    a_snapshot_is_found_by_latest_and_by_prefix,
    a_pinned_snapshot_is_not_deleted,
    a_hold_ends_at_its_date,
    prune_keep_nothing_keeps_the_pinned_and_the_last_good_one,
    without_rules_prune_keeps_everything,
    a_named_path_that_is_missing_fails_the_snapshot_with_its_reason,
    a_busy_workspace_names_the_owner_and_leaves_no_row,
    what_a_role_may_not_do_is_refused_and_is_an_event,
    another_tenant_sees_nothing_and_trying_is_an_event,
    a_safety_snapshot_is_no_latest,
);

async fn a_snapshot_is_taken_shown_and_read(fixture: &Fixture) {
    fixture.write("src/a.txt", "alpha");
    fixture.write("b.txt", "beta");
    let snapshot = fixture.save("first").await;
    assert_eq!((snapshot.state, snapshot.label.as_str()), (SnapshotState::Ready, "first"));
    assert_eq!((snapshot.counts.files, snapshot.logical_bytes), (2, 9));
    assert!(!snapshot.partial && snapshot.added_bytes > 0);
    assert_eq!(snapshot.source_name, "work");

    let caller = caller(Role::Viewer);
    let service = &fixture.service;
    let shown = service.show_snapshot(&caller, &snapshot.id).await.unwrap();
    assert_eq!(shown, snapshot);
    let page = PageRequest::default();
    let all = EntryOptions { recursive: true, ..EntryOptions::default() };
    let entries = service.list_entries(&caller, &snapshot.id, &all, &page).await.unwrap();
    let paths: Vec<_> = entries.items.iter().map(|entry| String::from_utf8_lossy(&entry.path)).collect();
    assert_eq!(paths, ["b.txt", "src", "src/a.txt"]);
    assert_eq!(entries.total, 3);

    let mut content = service.open_content(&caller, &snapshot.id, b"src/a.txt").await.unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut content.reader, &mut text).unwrap();
    assert_eq!(text, "alpha");
    let missing = service.open_content(&caller, &snapshot.id, b"nope").await.unwrap_err();
    assert_eq!((missing.kind, missing.message.as_str()), (ErrorKind::NotFound, "Path not found"));
    fixture.assert_audit().await;
    assert_eq!(fixture.actions().await, ["source.registered", "snapshot.started", "snapshot.created"]);
}

async fn recursive_entries_page_through_the_whole_tree(fixture: &Fixture) {
    for path in ["a/b/c/1", "a/b/2", "a/3", "d/4", "e"] {
        fixture.write(path, path);
    }
    let snapshot = fixture.save("").await;
    let service = &fixture.service;
    let all = EntryOptions { recursive: true, ..EntryOptions::default() };
    let whole =
        service.list_entries(&root_caller(), &snapshot.id, &all, &PageRequest::default()).await.unwrap();
    for size in 1..=4 {
        let mut page = PageRequest::first(size);
        let mut seen = Vec::new();
        loop {
            let part = service.list_entries(&root_caller(), &snapshot.id, &all, &page).await.unwrap();
            seen.extend(part.items);
            match part.next {
                Some(next) => page.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, whole.items, "pages of {size}");
    }
    let paths: Vec<_> =
        whole.items.iter().map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect();
    assert_eq!(paths, ["a", "a/3", "a/b", "a/b/2", "a/b/c", "a/b/c/1", "d", "d/4", "e"]);
}

async fn an_unchanged_save_adds_nothing_and_a_diff_tells_what_changed(fixture: &Fixture) {
    fixture.write("a", "one");
    fixture.write("b", "two");
    let first = fixture.save("").await;
    let second = fixture.save("").await;
    fixture.write("a", "changed");
    fixture.write("c", "new");
    std::fs::remove_file(fixture.root.join("b")).unwrap();
    let service = &fixture.service;
    let (options, page) = (DiffOptions::default(), PageRequest::default());
    let against = Against::Snapshot(second.id.clone());
    let same = service.diff_snapshot(&root_caller(), &first.id, &against, &options, &page).await.unwrap();
    assert_eq!(same.total, 0, "{:?}", same.changes);
    let live =
        service.diff_snapshot(&root_caller(), &first.id, &Against::Live, &options, &page).await.unwrap();
    let changed: Vec<_> =
        live.changes.iter().map(|change| (String::from_utf8_lossy(&change.path), change.kind)).collect();
    assert_eq!(changed, [("a".into(), Modified), ("b".into(), Deleted), ("c".into(), Added)]);
    assert_eq!((live.summary.added, live.summary.modified, live.summary.deleted), (1, 1, 1));
}

async fn a_snapshot_is_found_by_latest_and_by_prefix(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    let second = fixture.save("").await;
    let service = &fixture.service;
    let find =
        async |text: &str| service.resolve_snapshot(&root_caller(), Some(fixture.source_id()), text).await;
    assert_eq!(find("latest").await.unwrap().id, second.id);
    assert_eq!(find("latest~1").await.unwrap().id, first.id);
    assert_eq!(find(first.id.as_str()).await.unwrap().id, first.id);
    let short = &first.id.as_str()["snapshot-".len()..];
    assert_eq!(find(short).await.unwrap().id, first.id);
    assert_eq!(find("latest~2").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(find("latest~x").await.unwrap_err().kind, ErrorKind::Invalid);
    let ambiguous = find("snapshot-").await.unwrap_err();
    assert_eq!(ambiguous.kind, ErrorKind::Invalid);
    assert!(ambiguous.hint.unwrap().contains(first.id.as_str()));
    assert_eq!(find("zzz").await.unwrap_err().kind, ErrorKind::NotFound);
}

async fn a_pinned_snapshot_is_not_deleted(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    let service = &fixture.service;
    let pinned = service.pin_snapshot(&caller(Role::Operator), &first.id).await.unwrap();
    assert!(pinned.pinned);
    let refused = service.delete_snapshot(&caller(Role::Admin), &first.id, "").await.unwrap_err();
    assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::Conflict, "Snapshot is pinned"));
    service.unpin_snapshot(&caller(Role::Operator), &first.id).await.unwrap();
    service.delete_snapshot(&caller(Role::Admin), &first.id, "not needed").await.unwrap();
    let gone = service.show_snapshot(&caller(Role::Admin), &first.id).await.unwrap_err();
    assert_eq!((gone.kind, gone.message.as_str()), (ErrorKind::NotFound, "Snapshot not found"));
    let filter = SnapshotFilter { states: vec![SnapshotState::Deleted], ..SnapshotFilter::default() };
    let page = PageRequest::default();
    let tombstones = service.list_snapshots(&caller(Role::Viewer), &filter, &page).await.unwrap();
    assert_eq!(tombstones.items[0].state_reason.as_deref(), Some("not needed"));
    assert!(crate::fixture::repository_in(&fixture.store).manifests().unwrap().is_empty());
    fixture.assert_audit().await;
}

async fn a_hold_ends_at_its_date(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    let service = &fixture.service;
    let admin = caller(Role::Admin);
    let until = backstay_model::Clock::now(&*fixture.clock).plus_seconds(3600);
    let new = NewHold { reason: "audit".into(), expires_at: Some(until) };
    service.hold_snapshot(&admin, &first.id, new).await.unwrap();
    let refused = service.delete_snapshot(&admin, &first.id, "").await.unwrap_err();
    assert_eq!(refused.message, "Snapshot is held");
    assert!(refused.hint.unwrap().contains("audit"));
    fixture.clock.advance(3600);
    service.delete_snapshot(&admin, &first.id, "").await.unwrap();
}

async fn prune_keep_nothing_keeps_the_pinned_and_the_last_good_one(fixture: &Fixture) {
    let mut ids = Vec::new();
    for number in 0..5 {
        fixture.write("a", &number.to_string());
        ids.push(fixture.save("").await.id);
    }
    let service = &fixture.service;
    let admin = caller(Role::Admin);
    service.pin_snapshot(&admin, &ids[1]).await.unwrap();
    let rules = Some(Rules::last(0));
    let planned = service.prune_snapshots(&admin, fixture.source_id(), rules.clone(), true).await.unwrap();
    assert_eq!((planned.kept, planned.removed), (2, 3));
    let list = SnapshotFilter::default();
    let before = service.list_snapshots(&admin, &list, &PageRequest::default()).await.unwrap();
    assert_eq!(before.total, 5, "a dry run deletes nothing");
    let done = service.prune_snapshots(&admin, fixture.source_id(), rules, false).await.unwrap();
    assert_eq!(done.decisions, planned.decisions, "the preview is what happens");
    let left = service.list_snapshots(&admin, &list, &PageRequest::default()).await.unwrap();
    let left: Vec<_> = left.items.into_iter().map(|snapshot| snapshot.id).collect();
    assert_eq!(left, [ids[4].clone(), ids[1].clone()]);
    fixture.assert_audit().await;
}

async fn without_rules_prune_keeps_everything(fixture: &Fixture) {
    fixture.write("a", "1");
    fixture.save("").await;
    fixture.save("").await;
    let admin = caller(Role::Admin);
    let done = fixture.service.prune_snapshots(&admin, fixture.source_id(), None, false).await.unwrap();
    assert_eq!((done.kept, done.removed), (2, 0));
}

async fn a_named_path_that_is_missing_fails_the_snapshot_with_its_reason(fixture: &Fixture) {
    fixture.write("a", "1");
    let new = NewSnapshot { paths: vec!["nope".into()], ..NewSnapshot::default() };
    let service = &fixture.service;
    let failed = service.create_snapshot(&root_caller(), fixture.source_id(), new, &Run::default()).await;
    assert!(failed.unwrap_err().message.contains("nope"));
    let filter = SnapshotFilter { states: vec![SnapshotState::Failed], ..SnapshotFilter::default() };
    let failed = service.list_snapshots(&root_caller(), &filter, &PageRequest::default()).await.unwrap();
    assert!(failed.items[0].state_reason.as_deref().unwrap().contains("nope"));
    assert!(fixture.actions().await.contains(&"snapshot.failed".to_owned()));
}

async fn a_busy_workspace_names_the_owner_and_leaves_no_row(fixture: &Fixture) {
    fixture.write("a", "1");
    let lock = backstay_source_workspace::WorkspaceLock::acquire(
        &fixture.root,
        "restore",
        &*fixture.clock,
        std::time::Duration::ZERO,
    )
    .unwrap();
    let service = &fixture.service;
    let new = NewSnapshot::default();
    let busy =
        service.create_snapshot(&root_caller(), fixture.source_id(), new, &Run::default()).await.unwrap_err();
    assert_eq!(busy.kind, ErrorKind::Busy);
    let owner = busy.owner.unwrap();
    assert_eq!((owner.pid, owner.operation.as_deref()), (Some(std::process::id()), Some("restore")));
    drop(lock);
    let all = SnapshotFilter { states: SnapshotState::ALL.to_vec(), ..SnapshotFilter::default() };
    assert_eq!(service.list_snapshots(&root_caller(), &all, &PageRequest::default()).await.unwrap().total, 0);
}

async fn what_a_role_may_not_do_is_refused_and_is_an_event(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    let service = &fixture.service;
    let viewer = caller(Role::Viewer);
    let run = Run::default();
    let new = NewSnapshot::default();
    let refusals = [
        service.create_snapshot(&viewer, fixture.source_id(), new, &run).await.map(|_| ()),
        service.delete_snapshot(&caller(Role::Operator), &first.id, "").await,
        service.plan_restore(&caller(Role::Operator), &first.id, RestoreRequest::default()).await.map(|_| ()),
        service.prune_snapshots(&viewer, fixture.source_id(), None, true).await.map(|_| ()),
        service.pin_snapshot(&viewer, &first.id).await.map(|_| ()),
        service.rebuild_catalog(&caller(Role::Admin), &run).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().kind, ErrorKind::Forbidden);
    }
    let denied = fixture.actions().await.into_iter().filter(|action| action == "access_denied").count();
    assert_eq!(denied, 6);
    fixture.assert_audit().await;
}

async fn another_tenant_sees_nothing_and_trying_is_an_event(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    let service = &fixture.service;
    let stranger = caller_of("other", Role::Admin);
    let page = PageRequest::default();
    assert_eq!(service.show_snapshot(&stranger, &first.id).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(
        service.delete_snapshot(&stranger, &first.id, "").await.unwrap_err().kind,
        ErrorKind::NotFound
    );
    assert_eq!(
        service.show_source(&stranger, fixture.source_id()).await.unwrap_err().kind,
        ErrorKind::NotFound
    );
    let none = SnapshotFilter::default();
    assert_eq!(service.list_snapshots(&stranger, &none, &page).await.unwrap().total, 0);
    let of_source = SnapshotFilter { source: Some(fixture.source_id().clone()), ..SnapshotFilter::default() };
    assert_eq!(service.list_snapshots(&stranger, &of_source, &page).await.unwrap().total, 0);
    let found = service.resolve_snapshot(&stranger, None, first.id.as_str()).await;
    assert_eq!(found.unwrap_err().kind, ErrorKind::NotFound);
    let denied = fixture.actions().await.into_iter().filter(|action| action == "access_denied").count();
    assert_eq!(denied, 3);
}

async fn a_safety_snapshot_is_no_latest(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("").await;
    fixture.write("a", "2");
    fixture.restore(&first).await;
    let service = &fixture.service;
    let latest = service.resolve_snapshot(&root_caller(), None, "latest").await.unwrap();
    assert_eq!(latest.id, first.id);
    let safety = SnapshotFilter { triggers: vec![Trigger::Safety], ..SnapshotFilter::default() };
    assert_eq!(
        service.list_snapshots(&root_caller(), &safety, &PageRequest::default()).await.unwrap().total,
        1
    );
}
