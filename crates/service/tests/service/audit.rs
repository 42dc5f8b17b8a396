use backstay_model::{ErrorKind, Outcome, Role};
use backstay_service::view::HistoryAction::{Create, Delete, Restore};
use backstay_service::view::{EventFilter, HistoryFilter};
use backstay_service::{ExportFormat, PageRequest};
use futures_util::StreamExt;

use crate::fixture::{Fixture, caller, caller_of, root_caller};
use crate::on_both;

on_both!(
    the_audit_trail_is_exported_whole,
    the_audit_trail_takes_an_administrator,
    a_live_stream_begins_with_the_past_and_shows_only_the_own_tenant,
    the_history_tells_what_was_created_restored_and_deleted,
);

async fn exported(fixture: &Fixture, format: ExportFormat) -> String {
    let filter = EventFilter::default();
    let mut stream = fixture.service.export_audit(&root_caller(), &filter, format).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = stream.next().await {
        text.extend_from_slice(&piece.unwrap());
    }
    String::from_utf8(text).unwrap()
}

async fn the_audit_trail_is_exported_whole(fixture: &Fixture) {
    fixture.write("a", "1");
    fixture.save("=1+1").await;
    let json = exported(fixture, ExportFormat::JsonLines).await;
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let numbers: Vec<u64> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=lines.len() as u64).collect::<Vec<_>>());
    assert_eq!(lines.last().unwrap()["action"], "audit.exported");
    let csv = exported(fixture, ExportFormat::Csv).await;
    assert_eq!(csv.lines().next().unwrap().split(',').next(), Some("seq"));
    assert_eq!(
        csv.trim_end().split("\r\n").count(),
        lines.len() + 2,
        "a header, and the export is an event, too"
    );
}

async fn the_audit_trail_takes_an_administrator(fixture: &Fixture) {
    let service = &fixture.service;
    let operator = caller(Role::Operator);
    let refused =
        service.export_audit(&operator, &EventFilter::default(), ExportFormat::Csv).await.err().unwrap();
    assert_eq!(refused.kind, ErrorKind::Forbidden);
    assert_eq!(service.verify_audit(&operator).await.unwrap_err().kind, ErrorKind::Forbidden);
    let page = PageRequest::default();
    let seen = service.list_events(&operator, &EventFilter::default(), &page).await.unwrap();
    assert!(seen.items.iter().all(|event| event.action == "source.registered"), "{:?}", seen.items);
    let denied = EventFilter { outcome: Some("denied".into()), ..EventFilter::default() };
    let seen = service.list_events(&root_caller(), &denied, &page).await.unwrap();
    assert_eq!(seen.total, 2);
    assert!(seen.items.iter().all(|event| event.outcome == Outcome::Denied));
    let nonsense = EventFilter { outcome: Some("maybe".into()), ..EventFilter::default() };
    assert_eq!(
        service.list_events(&root_caller(), &nonsense, &page).await.unwrap_err().kind,
        ErrorKind::Invalid
    );
}

async fn a_live_stream_begins_with_the_past_and_shows_only_the_own_tenant(fixture: &Fixture) {
    let service = &fixture.service;
    let mut ours = service.subscribe_events(&caller(Role::Viewer), Some(0)).await.unwrap();
    let mut theirs = service.subscribe_events(&caller_of("other", Role::Admin), Some(0)).await.unwrap();
    assert_eq!(ours.next().await.unwrap().unwrap().action, "source.registered");
    fixture.write("a", "1");
    fixture.save("").await;
    assert_eq!(ours.next().await.unwrap().unwrap().action, "snapshot.started");
    let created = ours.next().await.unwrap().unwrap();
    assert_eq!((created.action.as_str(), created.seq), ("snapshot.created", 3));
    let nothing = tokio::time::timeout(std::time::Duration::from_millis(50), theirs.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let mut resumed = service.subscribe_events(&caller(Role::Viewer), Some(2)).await.unwrap();
    assert_eq!(resumed.next().await.unwrap().unwrap().seq, 3);
}

async fn the_history_tells_what_was_created_restored_and_deleted(fixture: &Fixture) {
    fixture.write("a", "1");
    let first = fixture.save("first").await;
    fixture.write("a", "2");
    fixture.restore(&first).await;
    fixture.service.delete_snapshot(&root_caller(), &first.id, "").await.unwrap();
    let page = PageRequest::default();
    let history = fixture
        .service
        .snapshot_history(&caller(Role::Viewer), &HistoryFilter::default(), &page)
        .await
        .unwrap();
    let told: Vec<_> = history.items.iter().map(|entry| entry.action).collect();
    assert_eq!(told, [Delete, Restore, Create, Create], "the safety snapshot is one");
    assert_eq!(history.items[0].snapshot, first.id);
    assert_eq!(history.items[0].details["name"], "first");
    let filter = HistoryFilter { action: Some(Restore), source: None };
    let restores = fixture.service.snapshot_history(&caller(Role::Viewer), &filter, &page).await.unwrap();
    assert_eq!((restores.total, restores.items[0].snapshot == first.id), (1, true));
}
