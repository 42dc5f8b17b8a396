//! Sources, tenants, groups and settings.

use backstay_catalog::{CatalogError, GroupRow, Paging, SourceChange, SourceFilter};
use backstay_model::{Kind, SourceId, TenantId};
use serde_json::json;

use crate::fixture::{Fixture, START, at, source};
use crate::on_both;

on_both!(
    a_source_reads_back_and_changes,
    names_and_roots_are_unique_until_the_source_is_removed,
    the_serial_only_moves_from_where_it_is,
    lists_are_filtered_and_paged,
    groups_have_members_in_order,
    settings_are_replaced,
);

async fn a_source_reads_back_and_changes(fixture: &Fixture) {
    let row = fixture.default_source().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.source(&row.id).await.unwrap().as_ref(), Some(&row));
    assert_eq!(tx.source_at("host-1", "/srv/default/project").await.unwrap().as_ref(), Some(&row));
    assert_eq!(tx.source_at("host-2", "/srv/default/project").await.unwrap(), None);
    assert_eq!(tx.source_named(&row.tenant, Kind::Workspace, "project").await.unwrap().as_ref(), Some(&row));

    let rules = json!({"last": 5});
    let change = SourceChange {
        name: Some("other".into()),
        retention: Some(Some(rules.clone())),
        ..SourceChange::default()
    };
    let changed = tx.update_source(&row.id, &change, at(1)).await.unwrap();
    assert_eq!((changed.name.as_str(), &changed.retention), ("other", &Some(rules)));
    assert_eq!((changed.settings, changed.updated_at), (row.settings.clone(), at(1)));
    let change = SourceChange { retention: Some(None), ..SourceChange::default() };
    assert_eq!(tx.update_source(&row.id, &change, at(2)).await.unwrap().retention, None);
    assert_eq!(
        tx.source_names(&[row.id.clone(), SourceId::parse("src-unknown").unwrap()]).await.unwrap(),
        [(row.id.clone(), "other".to_owned())]
    );
    let unknown = tx.update_source(&SourceId::parse("src-unknown").unwrap(), &change, at(2)).await;
    assert!(matches!(unknown, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
}

async fn names_and_roots_are_unique_until_the_source_is_removed(fixture: &Fixture) {
    let row = fixture.default_source().await;
    for (field, name, root) in [("name", "project", "/elsewhere"), ("root", "other", "/srv/default/project")]
    {
        let mut second = source(&row.tenant, "second");
        second.name = name.into();
        second.root = Some(root.into());
        let mut tx = fixture.catalog.begin().await.unwrap();
        let refused = tx.insert_source(&second).await;
        assert!(
            matches!(&refused, Err(CatalogError::Duplicate { table, field: found }) if table == "sources" && found == field),
            "{refused:?}"
        );
    }
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.remove_source(&row.id, at(1)).await.unwrap();
    let mut again = source(&row.tenant, "project");
    again.id = SourceId::parse("src-again").unwrap();
    tx.insert_source(&again).await.unwrap();
    tx.commit().await.unwrap();
    let mut read = fixture.catalog.read().await.unwrap();
    assert_eq!(read.source(&row.id).await.unwrap().unwrap().removed_at, Some(at(1)));
    assert_eq!(read.source_at("host-1", "/srv/default/project").await.unwrap().unwrap().id, again.id);
}

async fn the_serial_only_moves_from_where_it_is(fixture: &Fixture) {
    let row = fixture.default_source().await;
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.advance_source(&row.id, at(1)).await.unwrap(), 2);
    assert_eq!(tx.advance_source_from(&row.id, 2, at(1)).await.unwrap(), 3);
    let stale = tx.advance_source_from(&row.id, 2, at(1)).await;
    assert!(matches!(stale, Err(CatalogError::Conflict { .. })), "{stale:?}");
    tx.commit().await.unwrap();
}

async fn lists_are_filtered_and_paged(fixture: &Fixture) {
    let other = fixture.add_tenant("acme").await;
    for name in ["alpha", "beta", "gamma 100%", "delta"] {
        fixture.add_source(&TenantId::default_tenant(), name).await;
    }
    fixture.add_source(&other, "alpha").await;
    let mut read = fixture.catalog.read().await.unwrap();
    let mine = SourceFilter { tenant: Some(TenantId::default_tenant()), ..SourceFilter::default() };
    let mut seen = Vec::new();
    let mut paging = Paging::first(3);
    loop {
        let page = read.list_sources(&mine, &paging).await.unwrap();
        assert_eq!(page.total, 4);
        seen.extend(page.items.into_iter().map(|row| row.name));
        match page.next {
            Some(next) => paging.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["alpha", "beta", "delta", "gamma 100%"]);
    for (text, expected) in [("A 100%", 1), ("%", 1), ("_", 0), ("ALPHA", 2), ("\\", 0), ("/srv/acme", 1)] {
        let filter = SourceFilter { text: Some(text.into()), ..SourceFilter::default() };
        assert_eq!(read.list_sources(&filter, &Paging::default()).await.unwrap().total, expected, "{text}");
    }
    let jobs = SourceFilter { kind: Some(Kind::Job), ..SourceFilter::default() };
    assert_eq!(read.list_sources(&jobs, &Paging::default()).await.unwrap().total, 0);
}

async fn groups_have_members_in_order(fixture: &Fixture) {
    let tenant = TenantId::default_tenant();
    let b = fixture.add_source(&tenant, "b").await;
    let a = fixture.add_source(&tenant, "a").await;
    let group =
        GroupRow { id: "group-1".into(), tenant: tenant.clone(), name: "both".into(), created_at: START };
    let mut tx = fixture.catalog.begin().await.unwrap();
    tx.insert_group(&group, &[b.id.clone(), a.id.clone(), b.id.clone()]).await.unwrap();
    assert_eq!(tx.group_members("group-1").await.unwrap(), [a.id, b.id]);
    assert_eq!(tx.group_named(&tenant, "both").await.unwrap().as_ref(), Some(&group));
    assert_eq!(tx.groups(Some(&tenant)).await.unwrap(), [group]);
    tx.delete_group("group-1").await.unwrap();
    assert_eq!(tx.group("group-1").await.unwrap(), None);
    assert!(matches!(tx.delete_group("group-1").await, Err(CatalogError::NotFound { .. })));
    tx.commit().await.unwrap();
}

async fn settings_are_replaced(fixture: &Fixture) {
    let mut tx = fixture.catalog.begin().await.unwrap();
    assert_eq!(tx.setting("retention").await.unwrap(), None);
    tx.set_setting("retention", &json!({"last": 1}), START).await.unwrap();
    tx.set_setting("retention", &json!([1.5, null]), START).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        fixture.catalog.read().await.unwrap().setting("retention").await.unwrap(),
        Some(json!([1.5, null]))
    );
}
