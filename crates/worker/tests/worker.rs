//! A worker on a real catalog, a real repository and a real directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backstay_catalog::{Catalog, CatalogOptions};
use backstay_model::{Caller, FakeClock, SeededRng, SnapshotState, Timestamp};
use backstay_repository::{Credential, InitOptions, Repository, Settings as RepositorySettings};
use backstay_service::view::{NewSnapshot, NewSource, QueuedSnapshot, Source, TaskState};
use backstay_service::{LazyRepository, Parts, Service, Settings};
use backstay_store::MemoryStore;
use backstay_worker::WorkerOptions;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_mins(1);

struct Fixture {
    _scratch: TempDir,
    root: PathBuf,
    service: Service,
    source: Source,
}

fn caller() -> Caller {
    Caller::system("test")
}

async fn fixture() -> Fixture {
    let scratch = tempfile::tempdir().unwrap();
    let clock = Arc::new(FakeClock::new(Timestamp::parse("2026-06-15T12:00:00Z").unwrap()));
    let rng = Arc::new(SeededRng::new(1));
    let options = InitOptions {
        credential: Credential::key_file([7; 32]),
        key_label: "test".to_owned(),
        settings: RepositorySettings::default(),
        created_at: Timestamp::EPOCH,
    };
    let store = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as _));
    let repository = Repository::init(store, &options, Arc::clone(&rng) as _).unwrap();
    let catalog = scratch.path().join("catalog.db");
    let catalog = Catalog::open(catalog.to_str().unwrap(), &CatalogOptions::default()).await.unwrap();
    let service = Service::new(Parts {
        catalog,
        repository: LazyRepository::opened(repository),
        repository_directory: None,
        clock,
        rng,
        settings: Settings { allowed_roots: None, ..Settings::default() },
    });
    let root = scratch.path().canonicalize().unwrap().join("work");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a"), "1").unwrap();
    let new = NewSource { name: "work".to_owned(), root: root.clone(), retention: None };
    let source = service.register_source(&caller(), new).await.unwrap();
    Fixture { _scratch: scratch, root, service, source }
}

fn options() -> WorkerOptions {
    WorkerOptions {
        poll: Duration::from_millis(5),
        heartbeat: Duration::from_millis(20),
        ..WorkerOptions::default()
    }
}

async fn queue(fixture: &Fixture) -> QueuedSnapshot {
    let new = NewSnapshot::default();
    fixture.service.queue_snapshot(&caller(), &fixture.source.id, new).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tasks_are_done_by_two_workers_each_once() {
    let fixture = fixture().await;
    let mut queued = Vec::new();
    for number in 0..6 {
        fs::write(fixture.root.join("a"), number.to_string()).unwrap();
        queued.push(queue(&fixture).await);
    }
    let stop = CancellationToken::new();
    let workers: Vec<_> = ["w1", "w2"]
        .into_iter()
        .map(|name| {
            let options = WorkerOptions { name: name.to_owned(), ..options() };
            tokio::spawn(backstay_worker::run(fixture.service.clone(), options, stop.clone()))
        })
        .collect();
    for queued in &queued {
        let task = fixture.service.wait_task(&caller(), &queued.task, LONG).await.unwrap();
        assert_eq!((task.state, task.attempts), (TaskState::Done, 1), "{:?}", task.error);
        let snapshot = fixture.service.show_snapshot(&caller(), &queued.id).await.unwrap();
        assert_eq!(snapshot.state, SnapshotState::Ready);
    }
    stop.cancel();
    for worker in workers {
        worker.await.unwrap();
    }
    assert!(fixture.service.verify_audit(&caller()).await.unwrap().valid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_gives_its_task_back() {
    let fixture = fixture().await;
    let clock = FakeClock::new(Timestamp::EPOCH);
    let root = fixture.root.clone();
    // The task waits for this lock when the worker is stopped.
    let lock =
        backstay_source_workspace::WorkspaceLock::acquire(&root, "save", &clock, Duration::ZERO).unwrap();
    let queued = queue(&fixture).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(backstay_worker::run(fixture.service.clone(), options(), stop.clone()));
    loop {
        let task = fixture.service.show_task(&caller(), &queued.task).await.unwrap();
        if task.state == TaskState::Running {
            break;
        }
        tokio::task::yield_now().await;
    }
    stop.cancel();
    worker.await.unwrap();
    let task = fixture.service.show_task(&caller(), &queued.task).await.unwrap();
    assert_eq!(task.state, TaskState::Queued);
    let snapshot = fixture.service.show_snapshot(&caller(), &queued.id).await.unwrap();
    assert_eq!(snapshot.state, SnapshotState::Creating, "the next worker goes on with it");

    drop(lock);
    let stop = CancellationToken::new();
    let worker = tokio::spawn(backstay_worker::run(fixture.service.clone(), options(), stop.clone()));
    let task = fixture.service.wait_task(&caller(), &queued.task, LONG).await.unwrap();
    assert_eq!(task.state, TaskState::Done);
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_is_cancelled() {
    let fixture = fixture().await;
    let clock = FakeClock::new(Timestamp::EPOCH);
    let root = fixture.root.clone();
    let _lock =
        backstay_source_workspace::WorkspaceLock::acquire(&root, "save", &clock, Duration::ZERO).unwrap();
    let queued = queue(&fixture).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(backstay_worker::run(fixture.service.clone(), options(), stop.clone()));
    loop {
        let task = fixture.service.show_task(&caller(), &queued.task).await.unwrap();
        if task.state == TaskState::Running {
            break;
        }
        tokio::task::yield_now().await;
    }
    fixture.service.cancel_task(&caller(), &queued.task).await.unwrap();
    let task = fixture.service.wait_task(&caller(), &queued.task, LONG).await.unwrap();
    assert_eq!(task.state, TaskState::Cancelled);
    let snapshot = fixture.service.show_snapshot(&caller(), &queued.id).await.unwrap();
    assert_eq!(snapshot.state, SnapshotState::Failed);
    stop.cancel();
    worker.await.unwrap();
}
