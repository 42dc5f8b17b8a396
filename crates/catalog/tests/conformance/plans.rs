//! Plans and idempotency keys.

use backstay_catalog::{CatalogError, PlanRow};
use serde_json::json;

use crate::fixture::{Fixture, ada, at};
use crate::on_both;

on_both!(
    a_plan_is_used_once_in_its_state_and_time,
    the_second_request_gets_the_first_answer,
    what_expired_is_forgotten,
);

async fn a_plan_is_used_once_in_its_state_and_time(fixture: &Fixture) {
    let source = fixture.default_source().await;
    let plan = |id: &str| PlanRow {
        id: id.into(),
        tenant: source.tenant.clone(),
        source: source.id.clone(),
        kind: "restore".into(),
        state_serial: 1,
        body: json!({"changes": 3}),
        created_by: ada(),
        created_at: at(0),
        expires_at: at(100),
        used_at: None,
    };
    let mut tx = fixture.catalog.begin().await.unwrap();
    for id in ["a", "b", "c"] {
        tx.insert_plan(&plan(id)).await.unwrap();
    }
    let why = |result: Result<PlanRow, CatalogError>| match result {
        Err(CatalogError::Conflict { found, .. }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(tx.plan("a").await.unwrap(), Some(plan("a")));
    assert_eq!(tx.use_plan("a", at(5)).await.unwrap().used_at, Some(at(5)));
    assert_eq!(why(tx.use_plan("a", at(6)).await), "used");
    assert_eq!(why(tx.use_plan("b", at(100)).await), "expired");
    tx.advance_source(&source.id, at(7)).await.unwrap();
    assert_eq!(why(tx.use_plan("c", at(8)).await), "stale");
    assert!(matches!(tx.use_plan("d", at(8)).await, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
}

async fn the_second_request_gets_the_first_answer(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    let reserve = ("default/user-ada", "key-1");
    assert_eq!(
        tx.reserve_idempotency_key(reserve.0, reserve.1, b"body", at(0), at(100)).await.unwrap(),
        None
    );
    let running =
        tx.reserve_idempotency_key(reserve.0, reserve.1, b"body", at(1), at(100)).await.unwrap().unwrap();
    assert_eq!((running.status, running.fingerprint.as_slice()), (None, b"body".as_slice()));
    tx.answer_idempotency_key(reserve.0, reserve.1, 201, "{}").await.unwrap();
    tx.release_idempotency_key(reserve.0, reserve.1).await.unwrap();
    let done =
        tx.reserve_idempotency_key(reserve.0, reserve.1, b"other", at(2), at(100)).await.unwrap().unwrap();
    assert_eq!((done.status, done.answer.as_deref()), (Some(201), Some("{}")));
    // After its time the key is free again.
    assert_eq!(
        tx.reserve_idempotency_key(reserve.0, reserve.1, b"other", at(100), at(200)).await.unwrap(),
        None
    );
    tx.commit().await.unwrap();
}

async fn what_expired_is_forgotten(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.reserve_idempotency_key("s", "a", b"", at(0), at(10)).await.unwrap();
    tx.reserve_idempotency_key("s", "b", b"", at(0), at(20)).await.unwrap();
    assert_eq!(tx.forget_expired(at(10)).await.unwrap(), 1);
    assert_eq!(tx.forget_expired(at(30)).await.unwrap(), 1);
    tx.commit().await.unwrap();
}
