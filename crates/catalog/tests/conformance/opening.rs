//! Opening catalogs: new, old, newer, foreign.

use backstay_catalog::{Catalog, CatalogError, CatalogOptions};

use sqlx::Connection;

use crate::fixture::{Fixture, draft};
use crate::on_both;

on_both!(a_catalog_opens_again_with_everything_in_it, a_newer_schema_is_refused_and_left_alone);

async fn a_catalog_opens_again_with_everything_in_it(fixture: &Fixture) {
    fixture.record([draft("a", 1)]).await;
    let again = fixture.again().await;
    assert_eq!(again.read().await.unwrap().event_head().await.unwrap().0, 1);
    assert_eq!(again.read().await.unwrap().tenants().await.unwrap().len(), 1);
    again.close().await;
}

async fn a_newer_schema_is_refused_and_left_alone(fixture: &Fixture) {
    let newer = if fixture.is_postgres() {
        "UPDATE backstay_schema SET version = 99"
    } else {
        "PRAGMA user_version = 99"
    };
    assert!(fixture.try_sql(newer).await);
    for _ in 0..2 {
        let error = Catalog::open(&fixture.url, &CatalogOptions::default()).await.unwrap_err();
        assert!(matches!(error, CatalogError::NewerSchema { found: 99, supported: 2..99, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let fixture = Fixture::sqlite().await;
    let path = fixture.path().with_file_name("foreign.db");
    let url = path.to_str().unwrap();
    for (name, content) in
        [("text", b"this is no database, it is a text".repeat(40)), ("short", b"x".to_vec())]
    {
        std::fs::write(&path, &content).unwrap();
        let error = Catalog::open(url, &CatalogOptions::default()).await.unwrap_err();
        assert!(matches!(error, CatalogError::Foreign { .. }), "{name}: {error:?}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
        std::fs::remove_file(&path).unwrap();
    }
    let mut other = sqlx::SqliteConnection::connect(&format!("sqlite:{url}?mode=rwc")).await.unwrap();
    sqlx::query("CREATE TABLE theirs (a TEXT)").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let error = Catalog::open(url, &CatalogOptions::default()).await.unwrap_err();
    assert!(matches!(error, CatalogError::Foreign { .. }), "{error:?}");
    fixture.finish().await;
}

#[tokio::test]
async fn a_catalog_without_a_place_is_unavailable() {
    let error =
        Catalog::open("/nonexistent/directory/catalog.db", &CatalogOptions::default()).await.unwrap_err();
    assert!(matches!(error, CatalogError::Unavailable { .. }), "{error:?}");
    let error = Catalog::open("mysql://host/db", &CatalogOptions::default()).await.unwrap_err();
    assert!(matches!(error, CatalogError::Location { .. }), "{error:?}");
    let error = Catalog::open("postgres://nobody:secret@127.0.0.1:1/none", &CatalogOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, CatalogError::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("secret"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::sqlite().await;
    fixture.record([draft("a", 1)]).await;
    for name in ["catalog.db", "catalog.db-wal"] {
        let mode = std::fs::metadata(fixture.path().with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    fixture.finish().await;
}
