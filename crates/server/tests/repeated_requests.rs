//! `Idempotency-Key`: what is sent twice is done once.

mod support;

use backstay_api::snapshot::SnapshotQuery;
use backstay_api::token::TokenQuery;
use backstay_api::webhook::WebhookQuery;
use backstay_model::Role;
use reqwest::Method;
use serde_json::json;
use support::{TestServer, refused, send};

#[tokio::test]
async fn the_same_key_takes_one_snapshot_and_gives_the_same_answer() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let (workspace, _) = server.workspace("w").await;
    let path = format!("/api/v1/workspaces/{workspace}/snapshots");
    let post =
        |query: &str| server.request(Method::POST, &format!("{path}{query}")).header("idempotency-key", "k1");
    let first = post("?wait=30").bearer_auth(&operator).send().await.unwrap();
    // How long the client waits is no part of the request.
    let second = post("?wait=5").bearer_auth(&operator).send().await.unwrap();
    assert_eq!(
        (first.status(), second.status()),
        (reqwest::StatusCode::ACCEPTED, reqwest::StatusCode::ACCEPTED)
    );
    for name in ["location", "content-type"] {
        assert_eq!(first.headers()[name], second.headers()[name]);
    }
    assert_ne!(first.headers()["x-request-id"], second.headers()["x-request-id"]);
    assert_eq!(first.bytes().await.unwrap(), second.bytes().await.unwrap());
    let client = server.client(&operator);
    assert_eq!(client.list_snapshots(&SnapshotQuery::default()).await.unwrap().total, 1);

    let other = refused(post("").json(&json!({"label": "other"})), Some(&operator), 422).await;
    assert_eq!(other["code"], "key_reused");
    refused(server.request(Method::POST, &path).header("idempotency-key", "a b"), Some(&operator), 400).await;

    server.clock.advance(24 * 3600 + 1);
    let (_, later) = send(post("?wait=30"), &operator).await;
    assert_eq!(client.list_snapshots(&SnapshotQuery::default()).await.unwrap().total, 2, "{later}");
}

#[tokio::test]
async fn keys_belong_to_the_sender_and_a_refusal_is_not_remembered() {
    let server = TestServer::start().await;
    let (ann, bob) = (server.token(Role::Operator).await, server.token(Role::Operator).await);
    let viewer = server.token(Role::Viewer).await;
    let (workspace, root) = server.workspace("w").await;
    let path = format!("/api/v1/workspaces/{workspace}/snapshots?wait=30");
    let post = || server.request(Method::POST, &path).header("idempotency-key", "k1");
    let (_, of_ann) = send(post(), &ann).await;
    let (_, of_bob) = send(post(), &bob).await;
    assert_ne!(of_ann["id"], of_bob["id"]);
    refused(post(), Some(&viewer), 403).await;
    refused(post(), Some("bst_nobody"), 401).await;
    refused(post(), None, 401).await;

    let admin = server.token(Role::Admin).await;
    let taken = json!({"name": "again", "root": root});
    let create = |body: &serde_json::Value| {
        server.request(Method::POST, "/api/v1/workspaces").header("idempotency-key", "k2").json(body)
    };
    refused(create(&taken), Some(&admin), 409).await;
    let free = json!({"name": "again", "root": server.root("free")});
    let (status, made) = send(create(&free), &admin).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(send(create(&free), &admin).await, (status, made));
}

#[tokio::test]
async fn requests_that_come_at_once_are_done_once() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let post = || {
        let body = json!({"url": "http://127.0.0.1:9/hook"});
        send(
            server.request(Method::POST, "/api/v1/webhooks").header("idempotency-key", "k").json(&body),
            &admin,
        )
    };
    let answers = futures_util::future::join_all((0..8).map(|_| post())).await;
    let made: Vec<_> = answers.iter().filter(|(status, _)| *status == 201).collect();
    assert!(!made.is_empty());
    for (status, body) in &answers {
        if *status == 201 {
            assert_eq!(body, &made[0].1);
        } else {
            assert_eq!((status.as_u16(), &body["code"]), (409, &json!("request_under_way")));
        }
    }
    assert_eq!(server.client(&admin).list_webhooks(&WebhookQuery::default()).await.unwrap().total, 1);
}

#[tokio::test]
async fn a_secret_is_repeated_to_its_sender_alone_and_kept_sealed() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let before = server.client(&admin).list_tokens(&TokenQuery::default()).await.unwrap().total;
    let body = json!({"name": "ci", "role": "viewer"});
    let post = || server.request(Method::POST, "/api/v1/tokens").header("idempotency-key", "k").json(&body);
    let (_, first) = send(post(), &admin).await;
    let (_, second) = send(post(), &admin).await;
    let secret = first["secret"].as_str().unwrap();
    assert_eq!(second["secret"], secret);
    assert_eq!(server.client(&admin).list_tokens(&TokenQuery::default()).await.unwrap().total, before + 1);
    for name in ["catalog.db", "catalog.db-wal"] {
        let stored = std::fs::read(server.data().join(name)).unwrap_or_default();
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()), "{name} has the secret");
        assert!(!stored.windows(admin.len()).any(|part| part == admin.as_bytes()), "{name} has the token");
    }
}
