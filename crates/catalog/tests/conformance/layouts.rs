//! Layouts of dashboards.

use backstay_catalog::{CatalogError, LayoutRow};
use backstay_model::TenantId;
use serde_json::json;

use crate::fixture::{Fixture, at};
use crate::on_both;

on_both!(a_layout_is_saved_replaced_listed_and_deleted,);

fn layout(tenant: &TenantId, name: &str, second: u64) -> LayoutRow {
    LayoutRow {
        tenant: tenant.clone(),
        name: name.to_owned(),
        description: format!("at {second}"),
        body: json!({"zoom_ranges": {"loss": [0, second]}}),
        saved_at: at(second),
    }
}

async fn a_layout_is_saved_replaced_listed_and_deleted(fixture: &Fixture) {
    let (default, acme) = (TenantId::default_tenant(), fixture.add_tenant("acme").await);
    let rows = [
        layout(&default, "b", 1),
        layout(&default, "a/ü", 2),
        layout(&acme, "b", 3),
        layout(&default, "b", 4),
    ];
    for row in &rows {
        let mut tx = fixture.catalog.begin().await.unwrap();
        tx.save_layout(row).await.unwrap();
        tx.commit().await.unwrap();
    }
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.list_layouts(&default, 10).await.unwrap(), [rows[1].clone(), rows[3].clone()]);
    assert_eq!(read.list_layouts(&default, 1).await.unwrap(), [rows[1].clone()]);
    assert_eq!(read.count_layouts(&default).await.unwrap(), 2);
    assert_eq!(read.layout(&acme, "b").await.unwrap(), Some(rows[2].clone()));
    assert_eq!(read.layout(&acme, "a/ü").await.unwrap(), None);
    drop(read);

    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.delete_layout(&default, "b").await.unwrap();
    let gone = tx.delete_layout(&default, "b").await.unwrap_err();
    assert!(matches!(gone, CatalogError::NotFound { .. }), "{gone:?}");
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.count_layouts(&default).await.unwrap(), 1);
    assert_eq!(read.count_layouts(&acme).await.unwrap(), 1);
}
