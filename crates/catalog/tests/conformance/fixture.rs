//! A fresh catalog on either database, and things to put into it.

use std::path::PathBuf;

use backstay_catalog::{
    Catalog, CatalogOptions, NewSnapshot, NewTask, SnapshotContent, SnapshotRow, SourceRow, TenantRow,
    Tombstone,
};
use backstay_model::{
    Actor, ActorKind, EventData, EventDraft, Kind, Outcome, SnapshotId, SourceId, Subject, TaskId, TenantId,
    Timestamp, Trigger,
};
use backstay_testkit::PostgresSchema;
use serde_json::json;
use sqlx::Connection;

/// The time at which tests begin: an arbitrary second.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_767_435_330_000_000);

pub(crate) struct Fixture {
    pub(crate) catalog: Catalog,
    pub(crate) url: String,
    pub(crate) schema: Option<PostgresSchema>,
    _directory: Option<tempfile::TempDir>,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = directory.path().join("catalog.db").to_str().unwrap().to_owned();
        let catalog = Catalog::open(&url, &CatalogOptions::default()).await.unwrap();
        Self { catalog, url, schema: None, _directory: Some(directory) }
    }

    /// `None` when tests without services are asked for.
    pub(crate) async fn postgres() -> Option<Self> {
        let schema = PostgresSchema::create()?;
        let options = CatalogOptions { connections: 12, ..CatalogOptions::default() };
        let url = schema.url();
        let catalog = Catalog::open(&url, &options).await.unwrap();
        Some(Self { catalog, url, schema: Some(schema), _directory: None })
    }

    /// Opens the same catalog again, as another process would.
    pub(crate) async fn again(&self) -> Catalog {
        let options = CatalogOptions { connections: 8, ..CatalogOptions::default() };
        Catalog::open(&self.url, &options).await.unwrap()
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.schema.is_some()
    }

    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(&self.url)
    }

    /// Runs SQL behind the catalog's back, with its protections off.
    pub(crate) async fn tamper(&self, text: &str) {
        let text = text.to_owned();
        if self.is_postgres() {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let off = "ALTER TABLE events DISABLE TRIGGER USER; ALTER TABLE snapshots DISABLE TRIGGER USER;";
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{off}{text}")))
                .execute(&mut connection)
                .await
                .unwrap();
        } else {
            let mut connection =
                sqlx::SqliteConnection::connect(&format!("sqlite:{}", self.url)).await.unwrap();
            let off = "DROP TRIGGER IF EXISTS events_unchanged; DROP TRIGGER IF EXISTS events_stay;
                       DROP TRIGGER IF EXISTS events_counted;";
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{off}{text}")))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        }
    }

    /// Runs SQL with the protections on; returns whether it worked.
    pub(crate) async fn try_sql(&self, text: &str) -> bool {
        let text = sqlx::AssertSqlSafe(text.to_owned());
        if self.is_postgres() {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(text).execute(&mut connection).await.is_ok()
        } else {
            let mut connection =
                sqlx::SqliteConnection::connect(&format!("sqlite:{}", self.url)).await.unwrap();
            sqlx::raw_sql(text).execute(&mut connection).await.is_ok()
        }
    }

    pub(crate) async fn finish(self) {
        self.catalog.close().await;
    }

    pub(crate) async fn add_tenant(&self, name: &str) -> TenantId {
        let id = TenantId::parse(name).unwrap();
        let mut tx = self.catalog.begin().await.unwrap();
        let row = TenantRow { id: id.clone(), name: name.to_owned(), settings: json!({}), created_at: START };
        tx.insert_tenant(&row).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn add_source(&self, tenant: &TenantId, name: &str) -> SourceRow {
        let row = source(tenant, name);
        let mut tx = self.catalog.begin().await.unwrap();
        tx.insert_source(&row).await.unwrap();
        tx.commit().await.unwrap();
        row
    }

    /// A source of the default tenant.
    pub(crate) async fn default_source(&self) -> SourceRow {
        self.add_source(&TenantId::default_tenant(), "project").await
    }

    /// A ready snapshot.
    pub(crate) async fn add_ready(&self, source: &SourceRow, n: u64) -> SnapshotRow {
        let mut tx = self.catalog.begin().await.unwrap();
        tx.insert_snapshot(&new_snapshot(source, n)).await.unwrap();
        let row = tx.ready_snapshot(&snapshot_id(n), "worker", &content(n), at(n)).await.unwrap();
        tx.commit().await.unwrap();
        row
    }

    /// Commits one event per draft, each in its own transaction.
    pub(crate) async fn record(&self, drafts: impl IntoIterator<Item = EventDraft>) {
        for draft in drafts {
            let mut tx = self.catalog.begin().await.unwrap();
            tx.record(draft);
            tx.commit().await.unwrap();
        }
    }
}

/// The `n`th second after the start.
pub(crate) fn at(n: u64) -> Timestamp {
    START.plus_seconds(n as i64)
}

pub(crate) fn snapshot_id(n: u64) -> SnapshotId {
    SnapshotId::parse(&format!("snapshot-{n:016}-abcdefgh")).unwrap()
}

pub(crate) fn task_id(n: u64) -> TaskId {
    TaskId::parse(&format!("t-{n}")).unwrap()
}

pub(crate) fn ada() -> Actor {
    Actor { kind: ActorKind::User, id: "user-ada".into(), name: "Ada".into() }
}

pub(crate) fn source(tenant: &TenantId, name: &str) -> SourceRow {
    SourceRow {
        id: SourceId::parse(&format!("src-{}-{}", tenant.as_str(), name.replace([' ', '%'], "_"))).unwrap(),
        tenant: tenant.clone(),
        kind: Kind::Workspace,
        name: name.to_owned(),
        root: Some(format!("/srv/{tenant}/{name}")),
        host: "host-1".into(),
        settings: json!({"excludes": ["*.o"]}),
        retention: None,
        state_serial: 1,
        created_at: START,
        updated_at: START,
        removed_at: None,
    }
}

pub(crate) fn new_snapshot(source: &SourceRow, n: u64) -> NewSnapshot {
    NewSnapshot {
        id: snapshot_id(n),
        created_at: at(n),
        tenant: source.tenant.clone(),
        source: source.id.clone(),
        kind: source.kind,
        trigger: Trigger::Manual,
        name: None,
        label: None,
        description: None,
        parent: None,
        group: None,
        operation: None,
        attributes: json!({}),
        created_by: ada(),
        lease_owner: "worker".into(),
        lease_expires_at: at(n).plus_seconds(60),
    }
}

pub(crate) fn content(n: u64) -> SnapshotContent {
    SnapshotContent {
        manifest_id: format!("manifest-{n}"),
        tree_id: Some(format!("tree-{n}")),
        logical_bytes: 1000 + n,
        added_bytes: 100 + n,
        stored_bytes: 10 + n,
        counts: json!({"files": n}),
        warning_count: 0,
        warnings: json!([]),
        partial: false,
        attributes: None,
    }
}

pub(crate) fn tombstone(n: u64) -> Tombstone {
    Tombstone { at: at(n), by: ada(), reason: "not needed any more".into() }
}

pub(crate) fn draft(action: &str, n: u64) -> EventDraft {
    EventDraft {
        at: at(n),
        tenant: TenantId::default_tenant(),
        actor: ada(),
        action: action.to_owned(),
        kind: None,
        source: None,
        subject: Subject::new("snapshot", &snapshot_id(n)),
        outcome: Outcome::Ok,
        data: EventData::from(json!({"n": n})),
        request_id: None,
    }
}

pub(crate) fn new_task(n: u64) -> NewTask {
    NewTask {
        id: task_id(n),
        tenant: TenantId::default_tenant(),
        source: None,
        kind: "capture".into(),
        payload: json!({"n": n}),
        idempotency_key: None,
        priority: 0,
        max_attempts: 3,
        run_at: START,
        created_by: ada(),
        created_at: START,
    }
}
