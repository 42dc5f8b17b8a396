//! A token of one tenant sees nothing of another.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use backstay_api::group::NewWorkspaceGroup;
use backstay_api::hold::NewHold;
use backstay_api::restore::NewRestorePlan;
use backstay_api::snapshot::NewSnapshot;
use backstay_api::webhook::NewWebhook;
use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

/// Ids of things of the tenant `ours`.
struct Things {
    workspace: String,
    snapshot: String,
    task: String,
    operation: String,
    user: String,
    token: String,
    webhook: String,
    group: String,
    hold: String,
}

impl Things {
    async fn make(server: &TestServer) -> Self {
        let admin = server.token_in("ours", Role::Admin).await;
        let client = server.client(&admin);
        let (workspace, _) = server.workspace_in("ours", "secret-workspace").await;
        let accepted = client.create_snapshot(&workspace, &NewSnapshot::default(), 30).await.unwrap();
        let plan = client.plan_restore(&accepted.id, &NewRestorePlan::default()).await.unwrap();
        let operation = client.restore(&workspace, &plan.plan_id, 30).await.unwrap();
        let new = json!({"name": "secret-user", "role": "viewer"});
        let (_, user) = send(server.request(Method::POST, "/api/v1/users").json(&new), &admin).await;
        let new = json!({"name": "secret-token", "role": "viewer"});
        let (_, token) = send(server.request(Method::POST, "/api/v1/tokens").json(&new), &admin).await;
        let webhook = NewWebhook { url: "http://127.0.0.1:9/secret-hook".into(), actions: vec![] };
        let webhook = client.create_webhook(&webhook).await.unwrap();
        let group = NewWorkspaceGroup { name: "secret-group".into(), workspace_ids: vec![workspace.clone()] };
        let group = client.create_workspace_group(&group).await.unwrap();
        let hold = client
            .create_hold(&accepted.id, &NewHold { reason: "secret-hold".into(), expires_at: None })
            .await
            .unwrap();
        Self {
            workspace,
            snapshot: accepted.id,
            task: accepted.task_id,
            operation: operation.operation_id,
            user: user["id"].as_str().unwrap().to_owned(),
            token: token["token"]["id"].as_str().unwrap().to_owned(),
            webhook: webhook.webhook.id,
            group: group.id,
            hold: hold.id,
        }
    }

    /// The path with the id of the thing it is about.
    fn fill(&self, path: &str) -> String {
        let id = match path.split('/').nth(3).unwrap_or_default() {
            "workspaces" => &self.workspace,
            "snapshots" => &self.snapshot,
            "tasks" => &self.task,
            "operations" => &self.operation,
            "users" => &self.user,
            "tokens" => &self.token,
            "webhooks" => &self.webhook,
            "workspace-groups" => &self.group,
            "holds" => &self.hold,
            other => panic!("a new kind of thing in {path}: {other}"),
        };
        path.replace("{id}", id)
    }

    fn all(&self) -> [&str; 9] {
        [
            &self.workspace,
            &self.snapshot,
            &self.task,
            &self.operation,
            &self.user,
            &self.token,
            &self.webhook,
            &self.group,
            &self.hold,
        ]
    }
}

#[tokio::test]
async fn every_endpoint_hides_the_things_of_another_tenant() {
    let server = TestServer::start().await;
    server.tenant("ours").await;
    server.tenant("theirs").await;
    let things = Things::make(&server).await;
    let ours = server.token_in("ours", Role::Admin).await;
    let theirs = server.token_in("theirs", Role::Admin).await;
    let document = serde_json::to_value(backstay_server::openapi_document()).unwrap();
    let mut swept = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.starts_with("/api/v1/") || path.ends_with("/stream") {
            continue;
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_none() {
                continue;
            }
            let verb: Method = method.to_uppercase().parse().unwrap();
            if path.contains("{id}") {
                let mut url = things.fill(path);
                if path.ends_with("/content") {
                    url.push_str("?path=README.md");
                }
                let body = body_for(path, method);
                let mut request = server.request(verb, &url);
                if let Some(body) = body {
                    request = request.json(&body);
                }
                refused(request, Some(&theirs), 404).await;
                swept += 1;
            } else if method == "get" {
                let response = server.request(verb, path).bearer_auth(&theirs).send().await.unwrap();
                let text = response.text().await.unwrap();
                for id in things.all() {
                    assert!(!text.contains(id), "{path} shows {id}: {text}");
                }
                assert!(!text.contains("secret-"), "{path}: {text}");
                swept += 1;
            }
        }
    }
    assert!(swept > 50, "{swept}");
    // The same ids are found by their owner, so the sweep could have failed.
    for path in
        ["/api/v1/workspaces/{id}", "/api/v1/snapshots/{id}", "/api/v1/tasks/{id}", "/api/v1/operations/{id}"]
    {
        let (status, _) = send(server.request(Method::GET, &things.fill(path)), &ours).await;
        assert_eq!(status, 200, "{path}");
    }
}

/// A body that is acceptable, so that nothing but the tenant is a reason to refuse.
fn body_for(path: &str, method: &str) -> Option<Value> {
    Some(match (path.rsplit('/').next().unwrap(), method) {
        ("{id}", "patch") => json!({}),
        ("restores", "post") if path.contains("groups") => json!({"group_snapshot_id": "g"}),
        ("restores", "post") => json!({"plan_id": "p"}),
        ("holds", "post") => json!({"reason": "r"}),
        _ => return None,
    })
}

#[tokio::test]
async fn the_stream_tells_nothing_of_another_tenant() {
    use futures_util::StreamExt;
    let server = TestServer::start().await;
    server.tenant("ours").await;
    server.tenant("theirs").await;
    Things::make(&server).await;
    let theirs = server.token_in("theirs", Role::Admin).await;
    let (marker, _) = server.workspace_in("theirs", "marker").await;
    let client = server.client(&theirs);
    let mut stream = client.events(backstay_api::event::StreamQuery { after: Some(0), action: None });
    loop {
        let event = stream.next().await.unwrap().unwrap();
        assert_eq!(event.tenant_id, "theirs", "{event:?}");
        if event.subject.id == marker {
            break;
        }
    }
}
