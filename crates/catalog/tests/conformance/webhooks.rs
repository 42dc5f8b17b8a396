//! Webhooks and their outbox.

use backstay_catalog::{CatalogError, DeliveryEnd, DeliveryState, Paging, WebhookChange, WebhookRow};
use backstay_model::{TenantId, WebhookId};

use crate::fixture::{Fixture, START, at, draft};
use crate::on_both;

on_both!(
    an_endpoint_is_told_of_what_it_wants,
    a_rolled_back_event_is_not_sent,
    a_delivery_is_leased_retried_and_ended,
    an_endpoint_changes_and_goes,
);

fn webhook(n: u64, actions: &[&str]) -> WebhookRow {
    WebhookRow {
        id: WebhookId::parse(&format!("webhook-{n}")).unwrap(),
        tenant: TenantId::default_tenant(),
        url: "https://example.test/hook".into(),
        description: None,
        secret: b"secret bytes".to_vec(),
        actions: actions.iter().map(|action| (*action).to_owned()).collect(),
        enabled: true,
        created_at: START,
        updated_at: START,
        failing_since: None,
    }
}

async fn add(fixture: &Fixture, row: &WebhookRow) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_webhook(row).await.unwrap();
    tx.commit().await.unwrap();
}

async fn an_endpoint_is_told_of_what_it_wants(fixture: &Fixture) {
    let acme = fixture.add_tenant("acme").await;
    add(fixture, &webhook(1, &[])).await;
    add(fixture, &webhook(2, &["snapshot.deleted", "user."])).await;
    add(fixture, &WebhookRow { enabled: false, ..webhook(3, &[]) }).await;
    add(fixture, &WebhookRow { tenant: acme, ..webhook(4, &[]) }).await;
    fixture
        .record([draft("snapshot.created", 1), draft("snapshot.deleted", 2), draft("user.login", 3)])
        .await;
    let due = fixture.catalog.claim_deliveries("w", at(10), 60, 100).await.unwrap();
    let mut sent: Vec<(&str, u64)> = due.iter().map(|row| (row.webhook.as_str(), row.event_seq)).collect();
    sent.sort_unstable();
    assert_eq!(
        sent,
        [("webhook-1", 1), ("webhook-1", 2), ("webhook-1", 3), ("webhook-2", 2), ("webhook-2", 3)]
    );
}

async fn a_rolled_back_event_is_not_sent(fixture: &Fixture) {
    add(fixture, &webhook(1, &[])).await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.record(draft("a", 1));
    tx.roll_back().await;
    assert_eq!(fixture.catalog.read().await.unwrap().next_delivery_at().await.unwrap(), None);
}

async fn a_delivery_is_leased_retried_and_ended(fixture: &Fixture) {
    add(fixture, &webhook(1, &[])).await;
    fixture.record([draft("a", 0), draft("b", 0)]).await;
    let catalog = &fixture.catalog;
    let due = catalog.claim_deliveries("w1", at(1), 60, 10).await.unwrap();
    assert_eq!(due.iter().map(|row| row.event_seq).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(catalog.claim_deliveries("w2", at(60), 60, 10).await.unwrap(), []);
    let mut tx = catalog.begin().await.unwrap();
    let retry = DeliveryEnd::Retry { at: at(300), status: Some(503), error: "busy".into() };
    tx.finish_delivery(&due[0], "w1", at(2), retry).await.unwrap();
    tx.commit().await.unwrap();
    // The second one was leased and its worker died: it is sent again, and the dead worker may not end it.
    let again = catalog.claim_deliveries("w2", at(61), 60, 10).await.unwrap();
    assert_eq!(again.iter().map(|row| (row.event_seq, row.attempts)).collect::<Vec<_>>(), [(2, 2)]);
    let mut tx = catalog.begin().await.unwrap();
    let late = tx.finish_delivery(&due[1], "w1", at(62), DeliveryEnd::Delivered(200)).await;
    assert!(matches!(late, Err(CatalogError::Conflict { .. })), "{late:?}");
    tx.finish_delivery(&again[0], "w2", at(62), DeliveryEnd::Delivered(204)).await.unwrap();
    tx.commit().await.unwrap();
    let third = catalog.claim_deliveries("w2", at(300), 60, 10).await.unwrap();
    assert_eq!((third[0].event_seq, third[0].last_status), (1, Some(503)));
    let mut tx = catalog.begin().await.unwrap();
    let failed = DeliveryEnd::Failed { status: None, error: "gone".into() };
    tx.finish_delivery(&third[0], "w2", at(301), failed).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = catalog.read().await.unwrap();
    let id = &webhook(1, &[]).id;
    let page = read.list_deliveries(id, None, &Paging::first(1)).await.unwrap();
    assert_eq!((page.total, page.items[0].state), (2, DeliveryState::Delivered));
    let page = read.list_deliveries(id, Some(DeliveryState::Failed), &Paging::default()).await.unwrap();
    assert_eq!((page.total, page.items[0].last_error.as_deref()), (1, Some("gone")));
    drop(read);
    let mut tx = catalog.begin().await.unwrap();
    assert_eq!(tx.forget_deliveries(at(100)).await.unwrap(), 1);
    tx.commit().await.unwrap();
}

async fn an_endpoint_changes_and_goes(fixture: &Fixture) {
    add(fixture, &webhook(1, &["a"])).await;
    fixture.record([draft("a", 1)]).await;
    let id = webhook(1, &[]).id;
    let mut tx = fixture.catalog.begin().await.unwrap();
    let change = WebhookChange {
        url: Some("https://example.test/other".into()),
        actions: Some(vec!["b".into(), "c.".into()]),
        enabled: Some(false),
        ..WebhookChange::default()
    };
    let changed = tx.update_webhook(&id, &change, at(5)).await.unwrap();
    assert_eq!((changed.url.as_str(), changed.enabled), ("https://example.test/other", false));
    assert_eq!((changed.actions.len(), changed.secret.as_slice()), (2, b"secret bytes".as_slice()));
    tx.set_webhook_failing(&id, Some(at(6))).await.unwrap();
    tx.set_webhook_failing(&id, Some(at(7))).await.unwrap();
    assert_eq!(tx.webhook(&id).await.unwrap().unwrap().failing_since, Some(at(6)));
    tx.set_webhook_failing(&id, None).await.unwrap();
    assert_eq!(tx.webhooks(None).await.unwrap()[0].failing_since, None);
    tx.delete_webhook(&id).await.unwrap();
    assert_eq!(tx.next_delivery_at().await.unwrap(), None);
    assert!(matches!(tx.delete_webhook(&id).await, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
    assert!(!format!("{changed:?}").contains("115"), "the secret shows");
}
