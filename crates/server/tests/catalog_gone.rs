//! A catalog that fails under load: unreachable for a while, or without space.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backstay_model::Role;
use backstay_server::ServerSettings;
use backstay_testkit::{Link, PostgresSchema, SmallDisk};
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

/// What the clients of a test have seen so far.
#[derive(Default)]
struct Seen {
    /// The names of what was created with an answer that says so.
    created: Mutex<BTreeSet<String>>,
    unavailable: AtomicUsize,
    stop: AtomicBool,
}

impl Seen {
    fn created(&self) -> usize {
        self.created.lock().unwrap().len()
    }
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

/// Creates one thing after the other; every answer is `201` or a clear `503`.
async fn create_for_ever(server: Arc<TestServer>, token: String, client: usize, seen: Arc<Seen>) {
    for number in 0.. {
        if seen.stop.load(Ordering::SeqCst) {
            return;
        }
        let name = format!("client {client} number {number}");
        let body = json!({"name": name, "role": "viewer"});
        let request = server.request(Method::POST, "/api/v1/tokens").bearer_auth(&token).json(&body);
        let answer = request.send().await.unwrap();
        match answer.status().as_u16() {
            201 => assert!(seen.created.lock().unwrap().insert(name)),
            503 => {
                assert!(answer.headers().contains_key("retry-after"));
                let problem: Value = answer.json().await.unwrap();
                assert_eq!(problem["status"], 503, "{problem}");
                assert!(!problem["detail"].as_str().unwrap().is_empty());
                seen.unavailable.fetch_add(1, Ordering::SeqCst);
            }
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
    }
}

/// The names of all tokens.
async fn names(server: &TestServer, token: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/tokens?limit=1000{cursor}");
        let (status, page) = send(server.request(Method::GET, &path), token).await;
        assert_eq!(status, 200, "{page}");
        found.extend(
            page["tokens"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_for_a_while_loses_nothing() {
    const CLIENTS: usize = 8;
    let Some(schema) = PostgresSchema::create() else { return };
    let link = Link::to(schema.address());
    let catalog = Some(schema.url_through(link.address()));
    let server = Arc::new(TestServer::start_on(catalog, ServerSettings::default(), None).await);
    let admin = server.token(Role::Superadmin).await;
    let seen = Arc::new(Seen::default());
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(create_for_ever(Arc::clone(&server), admin.clone(), client, Arc::clone(&seen)));
    }
    until("the clients begin", || seen.created() >= 20).await;

    link.cut();
    until("every client is told", || seen.unavailable.load(Ordering::SeqCst) >= CLIENTS).await;
    refused(server.request(Method::GET, "/health/ready"), None, 503).await;
    assert_eq!(server.request(Method::GET, "/health/live").send().await.unwrap().status(), 200);
    assert!(link.refused() > 0);

    link.mend();
    let before = seen.created();
    until("the clients go on", || seen.created() >= before + 20).await;
    assert_eq!(server.request(Method::GET, "/health/ready").send().await.unwrap().status(), 200);
    seen.stop.store(true, Ordering::SeqCst);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }

    let found = names(&server, &admin).await;
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "nothing is there twice");
    let created = seen.created.lock().unwrap().clone();
    let lost: Vec<_> = created.iter().filter(|name| !distinct.contains(name)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    // What was not answered with success may be there when the answer was lost on the way, and only then.
    let unanswered = found.len() - 1 - created.len();
    assert!(unanswered <= CLIENTS, "{unanswered}");
    let report = server.service.verify_audit(&TestServer::local("default")).await.unwrap();
    assert!(report.valid, "{:?}", report.problems);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_507_until_there_is_space_again() {
    let mount = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(mount.path(), "16m") else { return };
    let catalog = disk.path().join("catalog.db").to_str().unwrap().to_owned();
    let server = TestServer::start_on(Some(catalog), ServerSettings::default(), None).await;
    let admin = server.token(Role::Superadmin).await;
    let create = |name: String| {
        let body = json!({"name": name, "role": "viewer"});
        server.request(Method::POST, "/api/v1/tokens").bearer_auth(&admin).json(&body).send()
    };
    assert_eq!(create("before".into()).await.unwrap().status(), 201);

    let filler = disk.fill();
    // What the log had reserved before may still take some.
    let mut created = BTreeSet::from(["before".to_owned()]);
    let problem: Value = loop {
        let name = format!("while it fills {}", created.len());
        let answer = create(name.clone()).await.unwrap();
        match answer.status().as_u16() {
            201 => assert!(created.insert(name)),
            507 => break answer.json().await.unwrap(),
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
        assert!(created.len() < 10_000, "the disk is full");
    };
    assert!(problem["detail"].as_str().unwrap().contains("space"), "{problem}");
    // Reading goes on.
    let (status, _) = send(server.request(Method::GET, "/api/v1/snapshots"), &admin).await;
    assert_eq!(status, 200);

    std::fs::remove_file(filler).unwrap();
    assert_eq!(create("after".into()).await.unwrap().status(), 201);
    created.insert("after".to_owned());
    let found: BTreeSet<String> = names(&server, &admin).await.into_iter().collect();
    assert_eq!(created.difference(&found).count(), 0, "{created:?} {found:?}");
    let report = server.service.verify_audit(&TestServer::local("default")).await.unwrap();
    assert!(report.valid, "{:?}", report.problems);
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_checkpoints_and_loses_none() {
    let mount = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(mount.path(), "16m") else { return };
    let catalog = disk.path().join("catalog.db").to_str().unwrap().to_owned();
    let server = TestServer::start_on(Some(catalog), ServerSettings::default(), None).await;
    let operator = server.token(Role::Operator).await;
    let save = |n: u64| {
        let body = json!({"job_id": "j", "step_name": "s", "state": {"n": n, "filler": "x".repeat(900)}});
        server.request(Method::POST, "/api/checkpoints").bearer_auth(&operator).json(&body).send()
    };
    let id_of = |saved: Value| saved["checkpoint_id"].as_str().unwrap().to_owned();
    let mut saved = vec![(0, id_of(save(0).await.unwrap().json().await.unwrap()))];
    let filler = disk.fill();
    let problem: Value = loop {
        let n = saved.len() as u64;
        let answer = save(n).await.unwrap();
        match answer.status().as_u16() {
            201 => saved.push((n, id_of(answer.json().await.unwrap()))),
            507 => break answer.json().await.unwrap(),
            other => panic!("{other}: {}", answer.text().await.unwrap()),
        }
        assert!(n < 10_000, "the disk is full");
    };
    assert!(problem["detail"].as_str().unwrap().contains("space"), "{problem}");
    std::fs::remove_file(filler).unwrap();
    let n = saved.len() as u64;
    let answer = save(n).await.unwrap();
    assert_eq!(answer.status(), 201);
    saved.push((n, id_of(answer.json().await.unwrap())));
    for (n, id) in saved {
        let (status, found) =
            send(server.request(Method::GET, &format!("/api/checkpoints/{id}")), &operator).await;
        assert_eq!((status.as_u16(), &found["state_snapshot"]["n"]), (200, &json!(n)), "{found}");
    }
    drop(server);
}
