//! The resource that every kind of source shares: `/api/v1/snapshots`.

mod support;

use backstay_api::history::{HistoryAction, HistoryQuery};
use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send, write};

const SNAPSHOTS: &str = "/api/v1/snapshots";

#[tokio::test]
async fn parameters_stand_in_the_query_or_the_body_and_the_body_wins() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let post = |query: &str| server.request(Method::POST, &format!("{SNAPSHOTS}{query}"));
    refused(post(""), Some(&operator), 404).await;
    let (workspace, _) = server.workspace("w").await;

    let (status, first) = send(post("?name=one&description=two%20words"), &operator).await;
    assert_eq!(status, 201, "{first}");
    assert_eq!(first["message"], "Snapshot created successfully");
    assert_eq!((&first["label"], &first["state"]), (&json!("one"), &json!("ready")));
    assert_eq!(first["description"], "two words");
    assert!(first["attributes"].is_object());

    let (_, second) = send(post("?name=query&wait_s=30").json(&json!({"name": "body"})), &operator).await;
    assert_eq!(second["label"], "body");
    let (_, third) = send(post("").json(&json!({"source": workspace, "name": "three"})), &operator).await;
    assert_eq!(third["source_id"], workspace.as_str());

    for (query, body) in [
        ("?wait_s=601", json!({})),
        ("?name=", json!({})),
        ("", json!({"name": "a\u{1}"})),
        ("", json!({"nam": "a"})),
        ("", json!({"wait_s": -1})),
    ] {
        refused(post(query).json(&body), Some(&operator), 422).await;
    }
    refused(post("?source=src-none"), Some(&operator), 404).await;
    refused(post("").body("{"), Some(&operator), 415).await;
    let viewer = server.token(Role::Viewer).await;
    refused(post(""), Some(&viewer), 403).await;

    server.workspace("another").await;
    let unclear = refused(post(""), Some(&operator), 422).await;
    assert_eq!(unclear["errors"][0]["field"], "source");
}

#[tokio::test]
async fn a_list_is_bounded_and_says_why_it_is_empty() {
    let server = TestServer::start().await;
    let viewer = server.token(Role::Viewer).await;
    let get = |query: &str| server.request(Method::GET, &format!("{SNAPSHOTS}{query}"));
    let (_, empty) = send(get(""), &viewer).await;
    assert_eq!(empty, json!({"snapshots": [], "total": 0, "message": "No snapshots available"}));
    for query in ["?limit=0", "?limit=501", "?kind=everything", "?offset=-1"] {
        refused(get(query), Some(&viewer), 422).await;
    }
    server.workspace("w").await;
    let operator = server.token(Role::Operator).await;
    let (_, made) = send(server.request(Method::POST, SNAPSHOTS), &operator).await;
    for query in ["?kind=all&limit=500", "?kind=workspace", ""] {
        let (_, page) = send(get(query), &viewer).await;
        assert_eq!((&page["total"], &page["snapshots"][0]["id"]), (&json!(1), &made["id"]), "{query}");
        assert!(page.get("message").is_none());
        for field in ["id", "kind", "name", "timestamp", "size_bytes", "state"] {
            assert!(!page["snapshots"][0][field].is_null(), "{field}");
        }
    }
    let (_, other) = send(get("?kind=training"), &viewer).await;
    assert_eq!(other["total"], 0);
}

#[tokio::test]
async fn a_restore_in_one_step_says_what_it_did_and_can_be_undone() {
    let server = TestServer::start().await;
    let technical = server.token(Role::Technical).await;
    let (_, root) = server.workspace("w").await;
    let (_, made) = send(server.request(Method::POST, SNAPSHOTS), &technical).await;
    let id = made["id"].as_str().unwrap();
    write(&root, "README.md", b"wrecked");
    let restore =
        |id: &str, query: &str| server.request(Method::POST, &format!("{SNAPSHOTS}/{id}/restore{query}"));

    let (status, plan) = send(restore(id, "?dry_run=true"), &technical).await;
    assert_eq!((status.as_u16(), &plan["status"]), (200, &json!("planned")), "{plan}");
    assert_eq!(plan["changed"]["modified"], 1);
    assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"wrecked");

    let (status, done) = send(restore(id, ""), &technical).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!((&done["status"], &done["exact"]), (&json!("success"), &json!(true)));
    assert_eq!(done["message"], format!("Restored from snapshot '{id}'"));
    assert!(done["restored_at"].is_string());
    assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"# hello\n");

    let before = done["safety_snapshot_id"].as_str().unwrap();
    let (status, _) = send(restore(before, "").json(&json!({"wait_s": 30})), &technical).await;
    assert_eq!(status, 200);
    assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"wrecked");

    let missing = refused(restore("nothing", ""), Some(&technical), 404).await;
    assert_eq!(missing["detail"], "Snapshot 'nothing' not found");
    let operator = server.token(Role::Operator).await;
    refused(restore(id, ""), Some(&operator), 403).await;
    refused(restore(id, "?wait_s=601"), Some(&technical), 422).await;
}

#[tokio::test]
async fn the_history_is_whole_newest_first_and_survives_what_it_tells_of() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (_, root) = server.workspace("w").await;
    let mut ids = Vec::new();
    for number in 0..60 {
        write(&root, "README.md", format!("{number}").as_bytes());
        server.clock.advance(1);
        let new = json!({"name": format!("s{number}")});
        let (_, made) = send(server.request(Method::POST, SNAPSHOTS).json(&new), &admin).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let first = client.snapshot_history(&HistoryQuery::default()).await.unwrap();
    assert_eq!((first.total, first.history.len(), first.message), (60, 50, None));
    assert_eq!(first.history[0].snapshot_id, ids[59]);
    let (_, raw) = send(server.request(Method::GET, &format!("{SNAPSHOTS}/history?limit=1")), &admin).await;
    assert_eq!(raw["message"], Value::Null);
    let details = &raw["history"][0]["details"];
    for field in ["name", "size_bytes", "mode", "trigger", "actor", "source_id"] {
        assert!(!details[field].is_null(), "{field} in {details}");
    }

    let (_, restored) =
        send(server.request(Method::POST, &format!("{SNAPSHOTS}/{}/restore", ids[0])), &admin).await;
    assert_eq!(restored["status"], "success", "{restored}");
    client.delete_snapshot(&ids[1], "no longer needed").await.unwrap();
    refused(server.request(Method::GET, &format!("{SNAPSHOTS}/{}", ids[1])), Some(&admin), 404).await;
    for (action, id) in [(HistoryAction::Restore, &ids[0]), (HistoryAction::Delete, &ids[1])] {
        let query = HistoryQuery { action: Some(action), ..HistoryQuery::default() };
        let page = client.snapshot_history(&query).await.unwrap();
        assert_eq!((page.total, &page.history[0].snapshot_id), (1, id));
        assert!(page.history[0].details["name"].is_string());
    }
    for query in ["?limit=0", "?limit=1001", "?action=destroy"] {
        refused(server.request(Method::GET, &format!("{SNAPSHOTS}/history{query}")), Some(&admin), 422).await;
    }
}

#[tokio::test]
async fn a_pinned_snapshot_is_not_deleted_and_a_deleted_one_keeps_its_reason() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (_, root) = server.workspace("w").await;
    let (_, made) = send(server.request(Method::POST, SNAPSHOTS), &admin).await;
    let id = made["id"].as_str().unwrap();
    write(&root, "README.md", b"2");
    server.clock.advance(1);
    send(server.request(Method::POST, SNAPSHOTS), &admin).await;
    let path = format!("{SNAPSHOTS}/{id}");
    client.pin_snapshot(id).await.unwrap();
    let pinned = refused(server.request(Method::DELETE, &path), Some(&admin), 409).await;
    assert_eq!(pinned["detail"], "Snapshot is pinned");
    client.unpin_snapshot(id).await.unwrap();
    refused(server.request(Method::DELETE, &format!("{path}?reason={}", "x".repeat(501))), Some(&admin), 422)
        .await;
    client.delete_snapshot(id, "it holds a password").await.unwrap();
    let query = format!("{SNAPSHOTS}?state=deleted");
    let (_, deleted) = send(server.request(Method::GET, &query), &admin).await;
    assert_eq!(deleted["snapshots"][0]["state_reason"], "it holds a password");
}
