//! Restore plans, restores, undo.

mod support;

use backstay_api::operation::{OperationQuery, OperationState, UndoRequest};
use backstay_api::restore::NewRestorePlan;
use backstay_model::Role;
use reqwest::Method;
use serde_json::json;
use support::{TestServer, refused, write};

#[tokio::test]
async fn a_restore_is_planned_executed_and_undone() {
    let server = TestServer::start().await;
    let token = server.token(Role::Technical).await;
    let client = server.client(&token);
    let (workspace, root) = server.workspace("w").await;
    let id = server.snapshot(&token, &workspace, "good").await;
    write(&root, "README.md", b"wrecked");
    std::fs::remove_file(root.join("src/main.rs")).unwrap();
    write(&root, "junk", b"junk");

    let plan = client.plan_restore(&id, &NewRestorePlan::default()).await.unwrap();
    assert_eq!((plan.snapshot_id.as_str(), plan.workspace_id.as_str()), (id.as_str(), workspace.as_str()));
    assert!(plan.cannot_restore.is_empty() && !plan.truncated);
    assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"wrecked", "a plan changes nothing");

    let accepted = client.restore(&workspace, &plan.plan_id, 30).await.unwrap();
    assert_eq!(accepted.state, OperationState::Done);
    assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"# hello\n");
    assert!(root.join("src/main.rs").exists() && !root.join("junk").exists());

    let again = client.restore(&workspace, &plan.plan_id, 30).await.unwrap_err();
    assert_eq!(again.problem().unwrap().status, 409, "{again}");

    let operation = client.get_operation(&accepted.operation_id).await.unwrap();
    assert!(operation.snapshot_id.is_some(), "a safety snapshot was taken");
    assert_eq!(operation.serial_after, Some(operation.serial_before + 1));
    let undone = client.undo_operation(&accepted.operation_id, &UndoRequest::default(), 30).await.unwrap();
    assert_eq!(undone.state, OperationState::Done);
    assert_eq!(std::fs::read(root.join("README.md")).unwrap(), b"wrecked");
    assert_eq!(std::fs::read(root.join("junk")).unwrap(), b"junk");
    assert!(!root.join("src/main.rs").exists());
    let operations = client.list_operations(&workspace, &OperationQuery::default()).await.unwrap();
    assert_eq!(operations.total, 2);
}

#[tokio::test]
async fn restores_are_refused_below_technical_and_for_unknown_plans() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let technical = server.token(Role::Technical).await;
    let (workspace, _) = server.workspace("w").await;
    let id = server.snapshot(&operator, &workspace, "").await;
    let plan = || server.request(Method::POST, &format!("/api/v1/snapshots/{id}/restore-plans"));
    refused(plan(), Some(&operator), 403).await;
    refused(plan().json(&json!({"paths": [""]})), Some(&technical), 422).await;
    assert_eq!(plan().json(&json!(null)).bearer_auth(&technical).send().await.unwrap().status(), 200);
    let restore =
        |body| server.request(Method::POST, &format!("/api/v1/workspaces/{workspace}/restores")).json(&body);
    let known = server.client(&technical).plan_restore(&id, &NewRestorePlan::default()).await.unwrap();
    refused(restore(json!({"plan_id": known.plan_id})), Some(&operator), 403).await;
    let unknown = restore(json!({"plan_id": "none"})).bearer_auth(&technical).send().await.unwrap();
    assert!(matches!(unknown.status().as_u16(), 404 | 409), "{}", unknown.status());
    refused(restore(json!({})), Some(&technical), 422).await;
    for path in ["/api/v1/operations/op-none", "/api/v1/operations/no%20id"] {
        refused(server.request(Method::GET, path), Some(&technical), 404).await;
    }
    refused(server.request(Method::POST, "/api/v1/operations/op-none/undo"), Some(&technical), 404).await;
    refused(server.request(Method::POST, "/api/v1/operations/op-none/cancel"), Some(&technical), 404).await;
}
