//! Operations.

use backstay_catalog::{
    CatalogError, OperationEnd, OperationFilter, OperationRow, OperationState, Paging, SourceRow,
};
use backstay_model::OperationId;
use serde_json::json;

use crate::fixture::{Fixture, ada, at, snapshot_id};
use crate::on_both;

on_both!(an_operation_ends_once, operations_are_listed_newest_first);

fn operation(source: &SourceRow, n: u64) -> OperationRow {
    OperationRow {
        seq: 0,
        id: OperationId::parse(&format!("op-{n}")).unwrap(),
        tenant: source.tenant.clone(),
        source: source.id.clone(),
        kind: "restore".into(),
        state: OperationState::Running,
        serial_before: n,
        serial_after: None,
        snapshot: None,
        target: Some(snapshot_id(1)),
        undoes: None,
        changed_paths: json!([]),
        not_restored: json!([]),
        detail: json!({"paths": ["a"]}),
        error: None,
        actor: ada(),
        task: None,
        created_at: at(n),
        finished_at: None,
    }
}

fn end(state: OperationState) -> OperationEnd {
    OperationEnd {
        state,
        serial_after: Some(9),
        snapshot: None,
        changed_paths: json!({"modified": 3}),
        not_restored: json!(["socket"]),
        error: None,
        at: at(50),
    }
}

async fn an_operation_ends_once(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let row = operation(&source, 1);
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_operation(&row).await.unwrap();
    tx.set_operation_snapshot(&row.id, &snapshot_id(2)).await.unwrap();
    assert_eq!(tx.open_operations(&source.id).await.unwrap().len(), 1);
    let stuck = tx.finish_operation(&row.id, &end(OperationState::NeedsRecovery)).await.unwrap();
    assert_eq!(stuck.state, OperationState::NeedsRecovery);
    assert_eq!(tx.open_operations(&source.id).await.unwrap().len(), 1);
    let done = tx.finish_operation(&row.id, &end(OperationState::Done)).await.unwrap();
    assert_eq!(
        (done.state, done.snapshot, done.serial_after),
        (OperationState::Done, Some(snapshot_id(2)), Some(9))
    );
    assert_eq!((done.changed_paths, done.finished_at), (json!({"modified": 3}), Some(at(50))));
    let again = tx.finish_operation(&row.id, &end(OperationState::Failed)).await;
    assert!(matches!(&again, Err(CatalogError::Conflict { found, .. }) if found == "done"), "{again:?}");
    assert_eq!(tx.last_undoable(&source.id).await.unwrap().unwrap().id, row.id);
    tx.commit().await.unwrap();
}

async fn operations_are_listed_newest_first(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    for n in 1..=5 {
        tx.insert_operation(&operation(&source, n)).await.unwrap();
    }
    tx.finish_operation(&operation(&source, 3).id, &end(OperationState::Done)).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    let filter = OperationFilter { source: Some(source.id.clone()), ..OperationFilter::default() };
    let first = read.list_operations(&filter, &Paging::first(2)).await.unwrap();
    assert_eq!((first.total, first.items[0].serial_before, first.items[1].serial_before), (5, 5, 4));
    let paging = Paging { after: first.next, ..Paging::first(2) };
    let second = read.list_operations(&filter, &paging).await.unwrap();
    assert_eq!(second.items[0].serial_before, 3);
    let filter = OperationFilter { state: Some(OperationState::Done), ..filter };
    assert_eq!(read.list_operations(&filter, &Paging::default()).await.unwrap().total, 1);
}
