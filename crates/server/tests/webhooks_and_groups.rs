//! Webhooks, groups, tasks, tenants.

mod support;

use backstay_api::group::{NewGroupRestore, NewGroupSnapshot, NewWorkspaceGroup, WorkspaceGroupQuery};
use backstay_api::snapshot::NewSnapshot;
use backstay_api::task::{TaskQuery, TaskState};
use backstay_api::tenant::{NewTenant, TenantQuery};
use backstay_api::webhook::{DeliveryQuery, NewWebhook, WebhookChange, WebhookQuery};
use backstay_model::Role;
use reqwest::Method;
use serde_json::json;
use support::{TestServer, refused, send, write};

#[tokio::test]
async fn a_webhook_is_created_changed_tested_and_removed() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let new = NewWebhook { url: "http://127.0.0.1:9/hook".into(), actions: vec!["snapshot.".into()] };
    let created = client.create_webhook(&new).await.unwrap();
    assert!(created.secret.starts_with("whsec_"));
    let id = created.webhook.id;
    let (_, shown) = send(server.request(Method::GET, &format!("/api/v1/webhooks/{id}")), &admin).await;
    assert!(!shown.to_string().contains(&created.secret));
    let change = WebhookChange { enabled: Some(true), actions: Some(vec![]), url: None };
    assert!(client.update_webhook(&id, &change).await.unwrap().actions.is_empty());
    let delivery = client.test_webhook(&id).await.unwrap();
    assert_eq!((delivery.state.as_str(), delivery.attempts, delivery.last_status), ("failed", 1, None));
    let deliveries = client.list_deliveries(&id, &DeliveryQuery::default()).await.unwrap();
    assert_eq!(deliveries.total, deliveries.deliveries.len() as u64);
    assert_eq!(client.list_webhooks(&WebhookQuery::default()).await.unwrap().total, 1);
    client.delete_webhook(&id).await.unwrap();
    assert_eq!(client.get_webhook(&id).await.unwrap_err().problem().unwrap().status, 404);
    let operator = server.token(Role::Operator).await;
    refused(server.request(Method::POST, "/api/v1/webhooks").json(&new), Some(&operator), 403).await;
    for url in ["ftp://example.org/", "http://", "https://user:secret@example.org/"] {
        let post = server.request(Method::POST, "/api/v1/webhooks").json(&json!({"url": url}));
        refused(post, Some(&admin), 422).await;
    }
}

#[tokio::test]
async fn a_group_is_captured_and_restored_whole() {
    let server = TestServer::start().await;
    let admin = server.token(Role::Admin).await;
    let client = server.client(&admin);
    let (one, root_one) = server.workspace("one").await;
    let (two, root_two) = server.workspace("two").await;
    let new = NewWorkspaceGroup { name: "both".into(), workspace_ids: vec![one, two] };
    let group = client.create_workspace_group(&new).await.unwrap();
    assert_eq!(client.create_workspace_group(&new).await.unwrap_err().problem().unwrap().status, 409);
    assert_eq!(client.list_workspace_groups(&WorkspaceGroupQuery::default()).await.unwrap().total, 1);
    let taken = client.create_group_snapshot(&group.id, &NewGroupSnapshot::default(), 30).await.unwrap();
    assert_eq!(taken.snapshot_ids.len(), 2);
    for id in &taken.snapshot_ids {
        let snapshot = client.get_snapshot(id).await.unwrap();
        assert_eq!(snapshot.state, backstay_model::SnapshotState::Ready, "{:?}", snapshot.state_reason);
        assert_eq!(snapshot.group_id.as_deref(), Some(taken.group_snapshot_id.as_str()));
    }
    write(&root_one, "README.md", b"wrecked");
    write(&root_two, "README.md", b"wrecked");
    let request = NewGroupRestore { group_snapshot_id: taken.group_snapshot_id.clone() };
    let restored = client.restore_group(&group.id, &request, 30).await.unwrap();
    assert_eq!(restored.operation_ids.len(), 2);
    for root in [root_one, root_two] {
        assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"# hello\n");
    }
    let operator = server.token(Role::Operator).await;
    let path = format!("/api/v1/workspace-groups/{}/restores", group.id);
    refused(server.request(Method::POST, &path).json(&request), Some(&operator), 403).await;
    let bad = server
        .request(Method::POST, "/api/v1/workspace-groups")
        .json(&json!({"name":"x","workspace_ids":[]}));
    refused(bad, Some(&admin), 422).await;
    client.delete_workspace_group(&group.id).await.unwrap();
    assert_eq!(client.get_workspace_group(&group.id).await.unwrap_err().problem().unwrap().status, 404);
}

#[tokio::test]
async fn a_task_is_followed_to_its_end() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let client = server.client(&operator);
    let (workspace, _) = server.workspace("w").await;
    let accepted = client.create_snapshot(&workspace, &NewSnapshot::default(), 0).await.unwrap();
    let mut states = Vec::new();
    let task = client.wait_task(&accepted.task_id, |task| states.push(task.state)).await.unwrap();
    assert_eq!((task.state, states.last()), (TaskState::Done, Some(&TaskState::Done)));
    let query = TaskQuery { state: Some(TaskState::Done), ..TaskQuery::default() };
    assert_eq!(client.list_tasks(&query).await.unwrap().total, 1);
    let cancel = format!("/api/v1/tasks/{}/cancel", task.id);
    refused(server.request(Method::POST, &cancel), Some(&operator), 409).await;
    refused(server.request(Method::GET, "/api/v1/tasks/t-none/progress"), Some(&operator), 404).await;
}

#[tokio::test]
async fn tenants_belong_to_superadmins() {
    let server = TestServer::start().await;
    let chief = server.client(&server.token(Role::Superadmin).await);
    let new = NewTenant { id: Some("acme".into()), name: "Acme".into() };
    assert_eq!(chief.create_tenant(&new).await.unwrap().id, "acme");
    assert_eq!(chief.create_tenant(&new).await.unwrap_err().problem().unwrap().status, 409);
    assert_eq!(chief.list_tenants(&TenantQuery::default()).await.unwrap().total, 2);
    let admin = server.token(Role::Admin).await;
    refused(server.request(Method::POST, "/api/v1/tenants").json(&new), Some(&admin), 403).await;
    assert_eq!(server.client(&admin).list_tenants(&TenantQuery::default()).await.unwrap().total, 1);
}
