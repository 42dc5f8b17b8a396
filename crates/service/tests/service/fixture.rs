//! A service on either database, with a scratch directory, a memory store and a clock that stands still.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use backstay_catalog::{Catalog, CatalogOptions};
use backstay_model::{Actor, ActorKind, Caller, FakeClock, Role, SeededRng, SourceId, TenantId, Timestamp};
use backstay_repository::{Credential, InitOptions, Repository, Settings as RepositorySettings};
use backstay_service::view::{EventFilter, NewSnapshot, NewSource, RestoreRequest, Snapshot, Source};
use backstay_service::{LazyRepository, PageRequest, Parts, PasswordCost, Run, Service, Settings};
use backstay_store::{MemoryStore, Store};
use backstay_testkit::PostgresSchema;
use tempfile::TempDir;

/// When the clock of every test begins to stand.
pub(crate) const START: &str = "2026-06-15T12:00:00Z";

/// Where a catalog is.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(PostgresSchema),
}

/// What was in a database.
pub(crate) enum Backup {
    Sqlite(Vec<u8>),
    Postgres(String),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// `None` when tests without services are asked for.
    pub(crate) fn postgres() -> Option<Self> {
        PostgresSchema::create().map(Self::Postgres)
    }

    /// An empty database of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Sqlite(_) => Self::sqlite(),
            Self::Postgres(_) => Self::postgres().unwrap(),
        }
    }

    pub(crate) fn location(&self) -> String {
        match self {
            Self::Sqlite(directory) => directory.path().join("catalog.db").to_str().unwrap().to_owned(),
            Self::Postgres(schema) => schema.url(),
        }
    }

    /// A copy of everything; no service has the database open.
    pub(crate) fn back_up(&self) -> Backup {
        match self {
            Self::Sqlite(_) => Backup::Sqlite(fs::read(self.location()).unwrap()),
            Self::Postgres(schema) => Backup::Postgres(schema.dump()),
        }
    }

    /// Makes the database what it was; no service has it open.
    pub(crate) fn put_back(&self, backup: &Backup) {
        match (self, backup) {
            (Self::Sqlite(directory), Backup::Sqlite(bytes)) => {
                for entry in fs::read_dir(directory.path()).unwrap() {
                    fs::remove_file(entry.unwrap().path()).unwrap();
                }
                fs::write(self.location(), bytes).unwrap();
            }
            (Self::Postgres(schema), Backup::Postgres(dump)) => schema.put_back(dump),
            _ => panic!("the backup is of another kind of database"),
        }
    }
}

pub(crate) struct Fixture {
    pub(crate) scratch: TempDir,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: Service,
    pub(crate) database: Database,
    pub(crate) root: PathBuf,
    pub(crate) source: Source,
}

pub(crate) fn caller(role: Role) -> Caller {
    caller_of("default", role)
}

pub(crate) fn caller_of(tenant: &str, role: Role) -> Caller {
    Caller {
        actor: Actor { kind: ActorKind::User, id: format!("user-{role}"), name: role.to_string() },
        tenant: TenantId::parse(tenant).unwrap(),
        role,
    }
}

pub(crate) fn root_caller() -> Caller {
    caller(Role::Superadmin)
}

pub(crate) fn settings() -> Settings {
    Settings {
        host: "testhost".to_owned(),
        allowed_roots: None,
        password_cost: PasswordCost { memory_kib: 64, passes: 1 },
        ..Settings::default()
    }
}

fn credential() -> Credential {
    Credential::key_file([7; 32])
}

/// A repository in `store`, created when there is none.
pub(crate) fn repository_in(store: &Arc<dyn Store>) -> Repository {
    if Repository::exists(&**store).unwrap() {
        let rng = Arc::new(SeededRng::new(99));
        return Repository::open(Arc::clone(store), &credential(), rng).unwrap();
    }
    new_repository_in(store, 99)
}

/// A new repository; those of different seeds have different keys.
pub(crate) fn new_repository_in(store: &Arc<dyn Store>, seed: u64) -> Repository {
    let options = InitOptions {
        credential: credential(),
        key_label: "test".to_owned(),
        settings: RepositorySettings::default(),
        created_at: Timestamp::parse(START).unwrap(),
    };
    Repository::init(Arc::clone(store), &options, Arc::new(SeededRng::new(seed))).unwrap()
}

/// A service with its catalog in `database` and the repository in `store`.
pub(crate) async fn service_at(
    database: &Database,
    store: &Arc<dyn Store>,
    clock: &Arc<FakeClock>,
    seed: u64,
    settings: Settings,
) -> Service {
    let options = CatalogOptions { connections: 8, ..CatalogOptions::default() };
    let catalog = Catalog::open(&database.location(), &options).await.unwrap();
    Service::new(Parts {
        catalog,
        repository: LazyRepository::opened(repository_in(store)),
        repository_directory: None,
        clock: Arc::clone(clock) as _,
        rng: Arc::new(SeededRng::new(seed)),
        settings,
    })
}

impl Fixture {
    pub(crate) async fn with(database: Database, settings: Settings) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let clock = Arc::new(FakeClock::new(Timestamp::parse(START).unwrap()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as _));
        let service = service_at(&database, &store, &clock, 1, settings).await;
        let root = scratch.path().canonicalize().unwrap().join("work");
        fs::create_dir(&root).unwrap();
        let new = NewSource { name: "work".to_owned(), root: root.clone(), retention: None };
        let source = service.register_source(&root_caller(), new).await.unwrap();
        Self { scratch, clock, store, service, database, root, source }
    }

    /// Another service on the same catalog and the same repository, as another server would be.
    pub(crate) async fn again(&self, seed: u64) -> Service {
        service_at(&self.database, &self.store, &self.clock, seed, settings()).await
    }

    pub(crate) fn source_id(&self) -> &SourceId {
        &self.source.id
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }

    pub(crate) async fn save(&self, label: &str) -> Snapshot {
        self.clock.advance(60);
        let new = NewSnapshot { label: label.to_owned(), ..NewSnapshot::default() };
        self.service.create_snapshot(&root_caller(), self.source_id(), new, &Run::default()).await.unwrap()
    }

    /// Puts a whole snapshot back.
    pub(crate) async fn restore(&self, snapshot: &Snapshot) -> backstay_service::view::Operation {
        self.clock.advance(60);
        let caller = root_caller();
        let plan = self.service.plan_restore(&caller, &snapshot.id, RestoreRequest::default()).await.unwrap();
        self.service.restore_snapshot(&caller, &plan.id, &Run::default()).await.unwrap()
    }

    /// The actions of all events, oldest first.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let page = PageRequest::first(1000);
        let events = self.service.list_events(&root_caller(), &EventFilter::default(), &page).await.unwrap();
        events.items.into_iter().rev().map(|event| event.action).collect()
    }

    /// Proves the hash chain.
    pub(crate) async fn assert_audit(&self) {
        let report = self.service.verify_audit(&root_caller()).await.unwrap();
        assert!(report.valid, "{:?}", report.problems);
    }
}
