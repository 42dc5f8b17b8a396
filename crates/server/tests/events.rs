//! Events: list, live stream, audit trail.

mod support;

use std::time::Duration;

use backstay_api::audit::ExportQuery;
use backstay_api::event::{EventQuery, StreamQuery};
use backstay_model::{Outcome, Role};
use backstay_server::ServerSettings;
use futures_util::StreamExt;
use reqwest::Method;
use support::{TestServer, refused};
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn the_stream_resumes_where_it_was_and_goes_on_live() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let client = server.client(&operator);
    let (workspace, _) = server.workspace("w").await;
    server.snapshot(&operator, &workspace, "one").await;
    let query = EventQuery { action: Some("snapshot.".into()), ..EventQuery::default() };
    let listed = client.list_events(&query).await.unwrap();
    let known: Vec<_> = listed.events.iter().rev().map(|event| event.seq).collect();
    assert!(known.len() >= 2, "{listed:?}");

    let after = StreamQuery { after: Some(known[0]), action: Some("snapshot.".into()) };
    let mut stream = client.events(after);
    for seq in &known[1..] {
        assert_eq!(stream.next().await.unwrap().unwrap().seq, *seq);
    }
    server.clock.advance(1);
    let id = server.snapshot(&operator, &workspace, "two").await;
    let event = stream.next().await.unwrap().unwrap();
    assert_eq!((event.subject.id.as_str(), event.tenant_id.as_str()), (id.as_str(), "default"));
    assert!(event.seq > *known.last().unwrap());
}

#[tokio::test]
async fn the_stream_is_server_sent_events_with_numbers_and_heartbeats() {
    let settings = ServerSettings { heartbeat: Duration::from_millis(50), ..ServerSettings::default() };
    let server = TestServer::start_with(settings).await;
    let viewer = server.token(Role::Viewer).await;
    server.workspace("w").await;
    let request = server.request(Method::GET, "/api/v1/events/stream").header("last-event-id", "0");
    let response = request.bearer_auth(&viewer).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut bytes = response.bytes_stream();
    let mut text = String::new();
    while !(text.contains("\ndata: {") && text.contains(": heartbeat") || text.len() > 100_000) {
        text.push_str(std::str::from_utf8(&bytes.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(text.contains("event: ") && text.contains("id: "), "{text}");
    let bad = server.request(Method::GET, "/api/v1/events/stream").header("last-event-id", "x");
    refused(bad, Some(&viewer), 400).await;
    refused(server.request(Method::GET, "/api/v1/events/stream"), None, 401).await;
}

#[tokio::test]
async fn a_broken_stream_loses_and_repeats_nothing() {
    let settings =
        ServerSettings { stream_lifetime: Duration::from_millis(100), ..ServerSettings::default() };
    let server = TestServer::start_with(settings).await;
    let operator = server.token(Role::Operator).await;
    let (workspace, _) = server.workspace("w").await;
    let client = server.client(&operator);
    let mut stream = client.events(StreamQuery { after: Some(0), action: None });
    let mut seen = Vec::new();
    for number in 0..3 {
        server.clock.advance(1);
        let id = server.snapshot(&operator, &workspace, &format!("{number}")).await;
        loop {
            let event = stream.next().await.unwrap().unwrap();
            seen.push(event.seq);
            if event.subject.id == id {
                break;
            }
        }
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(seen, sorted, "in order, none twice");
}

#[tokio::test]
async fn too_many_streams_are_refused() {
    let server = TestServer::start_with(ServerSettings { max_streams: 1, ..ServerSettings::default() }).await;
    let viewer = server.token(Role::Viewer).await;
    let open = || server.request(Method::GET, "/api/v1/events/stream");
    let first = open().bearer_auth(&viewer).send().await.unwrap();
    assert_eq!(first.status(), 200);
    refused(open(), Some(&viewer), 503).await;
}

#[tokio::test]
async fn the_audit_trail_is_searched_exported_and_proved_by_admins_only() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let viewer = server.token(Role::Viewer).await;
    let (workspace, _) = server.workspace("w").await;
    let path = format!("/api/v1/workspaces/{workspace}/snapshots");
    refused(server.request(Method::POST, &path), Some(&viewer), 403).await;
    let client = server.client(&admin);
    let denied = EventQuery { outcome: Some(Outcome::Denied), ..EventQuery::default() };
    let found = client.search_audit(&denied).await.unwrap();
    assert_eq!(found.total, 1, "the refusal is an event: {found:?}");
    let text = async |download: backstay_client::Download| {
        let mut text = String::new();
        download.into_reader().read_to_string(&mut text).await.unwrap();
        text
    };
    let csv = text(client.export_audit_csv(&ExportQuery::default()).await.unwrap()).await;
    let jsonl = text(client.export_audit_jsonl(&ExportQuery::default()).await.unwrap()).await;
    assert!(csv.lines().count() > 2 && csv.lines().next().unwrap().contains("seq"), "{csv}");
    assert!(jsonl.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{jsonl}");
    let only = ExportQuery { outcome: Some(Outcome::Denied), ..ExportQuery::default() };
    assert_eq!(text(client.export_audit_jsonl(&only).await.unwrap()).await.lines().count(), 1);
    let chief = server.client(&server.token(Role::Superadmin).await);
    let verified = chief.verify_audit().await.unwrap();
    assert!(verified.valid && verified.checked > 3, "{verified:?}");
    for path in
        ["/api/v1/audit", "/api/v1/audit/export.csv", "/api/v1/audit/export.jsonl", "/api/v1/audit/verify"]
    {
        refused(server.request(Method::GET, path), Some(&viewer), 403).await;
        refused(server.request(Method::GET, path), None, 401).await;
    }
}
