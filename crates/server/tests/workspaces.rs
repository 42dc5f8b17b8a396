//! Workspaces, snapshots of them, retention.

mod support;

use backstay_api::prune::{PruneRequest, RetentionRules};
use backstay_api::snapshot::{NewSnapshot, SnapshotQuery, StateOrAll};
use backstay_api::workspace::{NewWorkspace, WorkspaceChange, WorkspaceQuery};
use backstay_model::{Role, SnapshotState};
use reqwest::Method;
use serde_json::json;
use support::{TestServer, refused, send, write};

#[tokio::test]
async fn a_workspace_is_registered_shown_changed_and_removed() {
    let server = TestServer::start().await;
    let client = server.client(&server.token(Role::Admin).await);
    let root = server.root("one").to_str().unwrap().to_owned();
    let workspace =
        client.create_workspace(&NewWorkspace { name: "one".into(), root: root.clone() }).await.unwrap();
    assert_eq!((workspace.name.as_str(), workspace.state_serial), ("one", 0));
    let problem = client.create_workspace(&NewWorkspace { name: "two".into(), root }).await.unwrap_err();
    assert_eq!(problem.problem().unwrap().status, 409, "{problem}");
    let listed = client.list_workspaces(&WorkspaceQuery::default()).await.unwrap();
    assert_eq!((listed.total, listed.workspaces[0].id.as_str()), (1, workspace.id.as_str()));
    let rules =
        RetentionRules { keep_last: Some(3), keep_within: Some("1y6m".into()), ..RetentionRules::default() };
    let change = WorkspaceChange { name: Some("renamed".into()), retention: Some(rules) };
    let changed = client.update_workspace(&workspace.id, &change).await.unwrap();
    assert_eq!(changed.name, "renamed");
    assert_eq!(changed.retention.unwrap().keep_within.as_deref(), Some("1y6m"));
    client.delete_workspace(&workspace.id).await.unwrap();
    let gone = client.get_workspace(&workspace.id).await.unwrap_err();
    assert_eq!(gone.problem().unwrap().detail, "Workspace not found");
}

#[tokio::test]
async fn a_root_outside_the_allowed_ones_is_forbidden_and_a_viewer_registers_nothing() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let operator = server.token(Role::Operator).await;
    let post = |root: &str| {
        server.request(Method::POST, "/api/v1/workspaces").json(&json!({"name": "w", "root": root}))
    };
    let problem = refused(post("/etc"), Some(&admin), 403).await;
    assert_eq!(problem["detail"], "Root is not allowed");
    let inside = server.root("w");
    refused(post(inside.to_str().unwrap()), Some(&operator), 403).await;
    refused(post(inside.to_str().unwrap()), None, 401).await;
    refused(post(inside.join("missing").to_str().unwrap()), Some(&admin), 422).await;
}

#[tokio::test]
async fn a_snapshot_exists_at_once_and_becomes_ready() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let (workspace, _) = server.workspace("w").await;
    let path = format!("/api/v1/workspaces/{workspace}/snapshots");
    let response = server.request(Method::POST, &path).bearer_auth(&operator).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let accepted: serde_json::Value = response.json().await.unwrap();
    assert_eq!(accepted["state"], "creating");
    assert_eq!(location, format!("/api/v1/snapshots/{}", accepted["id"].as_str().unwrap()));
    let client = server.client(&operator);
    let task = client.wait_task(accepted["task_id"].as_str().unwrap(), |_| {}).await.unwrap();
    assert_eq!(task.error, None);
    let snapshot = client.get_snapshot(accepted["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(snapshot.state, SnapshotState::Ready);
    assert_eq!((snapshot.counts.files, snapshot.size_bytes), (3, 300_021));
    assert_eq!(snapshot.warnings, Some(vec![]));
    assert!(client.snapshot_exists(&snapshot.id).await.unwrap());
    assert!(!client.snapshot_exists("snapshot-0-x").await.unwrap());
}

#[tokio::test]
async fn snapshots_are_refused_to_viewers_and_for_bad_values() {
    let server = TestServer::start().await;
    let viewer = server.token(Role::Viewer).await;
    let operator = server.token(Role::Operator).await;
    let (workspace, _) = server.workspace("w").await;
    let path = format!("/api/v1/workspaces/{workspace}/snapshots");
    let post = |body: serde_json::Value| server.request(Method::POST, &path).json(&body);
    refused(post(json!({})), Some(&viewer), 403).await;
    refused(post(json!({"label": "x".repeat(201)})), Some(&operator), 422).await;
    refused(post(json!({"label": "a\u{0}b"})), Some(&operator), 422).await;
    refused(post(json!({"labl": "x"})), Some(&operator), 422).await;
    let query = format!("{path}?wait=61");
    refused(server.request(Method::POST, &query), Some(&operator), 422).await;
    let unknown = server.request(Method::POST, "/api/v1/workspaces/src-none/snapshots");
    refused(unknown, Some(&operator), 404).await;
}

#[tokio::test]
async fn a_prune_tells_its_reasons_and_deletes_only_when_told_to() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (workspace, root) = server.workspace("w").await;
    for number in 0..3 {
        write(&root, "README.md", format!("{number}").as_bytes());
        server.clock.advance(60);
        server.snapshot(&admin, &workspace, &format!("s{number}")).await;
    }
    let rules = RetentionRules { keep_last: Some(1), ..RetentionRules::default() };
    let mut request = PruneRequest { rules: Some(rules), dry_run: true };
    let plan = client.prune_workspace(&workspace, &request).await.unwrap();
    assert_eq!((plan.kept, plan.removed, plan.dry_run), (1, 2, true));
    assert!(plan.decisions.iter().all(|decision| !decision.reasons.is_empty()));
    assert_eq!(client.list_snapshots(&SnapshotQuery::default()).await.unwrap().total, 3);
    request.dry_run = false;
    let done = client.prune_workspace(&workspace, &request).await.unwrap();
    if let Some(task) = &done.task_id {
        client.wait_task(task, |_| {}).await.unwrap();
    }
    let left = client.list_snapshots(&SnapshotQuery::default()).await.unwrap();
    assert_eq!((left.total, left.snapshots[0].label.as_str()), (1, "s2"));
    let operator = server.token(Role::Operator).await;
    let path = format!("/api/v1/workspaces/{workspace}/prune");
    refused(server.request(Method::POST, &path), Some(&operator), 403).await;
    let bad = server.request(Method::POST, &path).json(&json!({"rules": {"keep_within": "0d"}}));
    let problem = refused(bad, Some(&admin), 422).await;
    assert_eq!(problem["errors"][0]["field"], "rules.keep_within");
}

#[tokio::test]
async fn pages_cover_everything_once_with_a_true_total() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (workspace, root) = server.workspace("w").await;
    for number in 0..7 {
        write(&root, "README.md", format!("{number}").as_bytes());
        server.clock.advance(1);
        let new = NewSnapshot { label: format!("s{number}"), ..NewSnapshot::default() };
        client.create_snapshot(&workspace, &new, 30).await.unwrap();
    }
    let mut labels = Vec::new();
    let mut query = SnapshotQuery { limit: Some(3), ..SnapshotQuery::default() };
    loop {
        let page = client.list_snapshots(&query).await.unwrap();
        assert_eq!(page.total, 7);
        labels.extend(page.snapshots.into_iter().map(|snapshot| snapshot.label));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(labels, ["s6", "s5", "s4", "s3", "s2", "s1", "s0"]);
    let skipped = SnapshotQuery { limit: Some(2), offset: Some(3), ..SnapshotQuery::default() };
    let page = client.list_snapshots(&skipped).await.unwrap();
    assert_eq!(page.snapshots.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(), ["s3", "s2"]);
    let found = SnapshotQuery { q: Some("S5".into()), ..SnapshotQuery::default() };
    assert_eq!(client.list_snapshots(&found).await.unwrap().total, 1);
    let none =
        SnapshotQuery { state: Some(StateOrAll::One(SnapshotState::Failed)), ..SnapshotQuery::default() };
    let empty = client.list_snapshots(&none).await.unwrap();
    assert_eq!((empty.total, empty.message.as_deref()), (0, Some("No snapshots available")));
    let path = format!("/api/v1/workspaces/{workspace}/snapshots?limit=2");
    let (_, of_workspace) = send(server.request(Method::GET, &path), &admin).await;
    assert_eq!(of_workspace["total"], 7);
}
