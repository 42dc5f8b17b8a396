use std::path::PathBuf;

use backstay_model::{ErrorKind, SnapshotState, Trigger};
use backstay_service::view::{Group, NewGroup, NewSource, SnapshotFilter};
use backstay_service::{PageRequest, Run};

use crate::fixture::{Fixture, root_caller};
use crate::on_both;

on_both!(a_group_is_captured_and_restored_together, when_one_member_cannot_be_captured_none_is_ready,);

async fn two_workspaces(fixture: &Fixture) -> (PathBuf, Group) {
    let other = fixture.root.parent().unwrap().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("b"), "1").unwrap();
    fixture.write("a", "1");
    let new = NewSource { name: "other".into(), root: other.clone(), retention: None };
    let source = fixture.service.register_source(&root_caller(), new).await.unwrap();
    let new = NewGroup { name: "both".into(), members: vec![source.id, fixture.source_id().clone()] };
    let group = fixture.service.create_group(&root_caller(), new).await.unwrap();
    (other, group)
}

async fn a_group_is_captured_and_restored_together(fixture: &Fixture) {
    let (other, group) = two_workspaces(fixture).await;
    let service = &fixture.service;
    let run = Run::default();
    let taken = service.create_group_snapshot(&root_caller(), &group.id, "both", &run).await.unwrap();
    assert_eq!(taken.snapshots.len(), 2);
    for id in &taken.snapshots {
        let snapshot = service.show_snapshot(&root_caller(), id).await.unwrap();
        assert_eq!((snapshot.state, snapshot.trigger), (SnapshotState::Ready, Trigger::Group));
        assert_eq!(snapshot.group.as_deref(), Some(taken.group_snapshot.as_str()));
        let refused = service.delete_snapshot(&root_caller(), id, "").await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
    }
    fixture.write("a", "2");
    std::fs::write(other.join("b"), "2").unwrap();
    service.restore_group_snapshot(&root_caller(), &group.id, &taken.group_snapshot, &run).await.unwrap();
    assert_eq!(fixture.read("a").as_deref(), Some("1"));
    assert_eq!(std::fs::read_to_string(other.join("b")).unwrap(), "1");
    fixture.assert_audit().await;
}

async fn when_one_member_cannot_be_captured_none_is_ready(fixture: &Fixture) {
    let (other, group) = two_workspaces(fixture).await;
    let service = &fixture.service;
    let lock = backstay_source_workspace::WorkspaceLock::acquire(
        &other,
        "save",
        &*fixture.clock,
        std::time::Duration::ZERO,
    );
    let busy =
        service.create_group_snapshot(&root_caller(), &group.id, "", &Run::default()).await.unwrap_err();
    assert_eq!(busy.kind, ErrorKind::Busy);
    drop(lock);
    // A link in the place of the root.
    std::fs::rename(&other, other.with_extension("moved")).unwrap();
    let gone =
        service.create_group_snapshot(&root_caller(), &group.id, "", &Run::default()).await.unwrap_err();
    assert_eq!(gone.kind, ErrorKind::Conflict);
    let ready = SnapshotFilter { states: vec![SnapshotState::Ready], ..SnapshotFilter::default() };
    assert_eq!(
        service.list_snapshots(&root_caller(), &ready, &PageRequest::default()).await.unwrap().total,
        0
    );
}
