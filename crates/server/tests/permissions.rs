//! Who may call what: one row for every operation of the OpenAPI document.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use std::collections::BTreeSet;

use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::things::Things;
use support::{TestServer, refused, send};

/// The lowest role that may call an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Needs {
    /// Anybody, also without a sign-in.
    Nobody,
    /// A role.
    At(Role),
}

use Needs::{At, Nobody};
use Role::{Admin, Operator, Superadmin, Technical, Viewer};

/// A new operation without a row fails the test. Rows are called in this order, so what removes things comes last.
const TABLE: &[(&str, &str, Needs)] = &[
    ("get", "/", Nobody),
    ("get", "/api/docs", Nobody),
    ("get", "/api/openapi.json", Nobody),
    ("get", "/health/live", Nobody),
    ("get", "/health/ready", Nobody),
    ("get", "/login", Nobody),
    ("get", "/health", Nobody),
    ("get", "/api/health", Nobody),
    // From this machine; see `problems.rs` for others.
    ("get", "/metrics", Nobody),
    ("post", "/api/v1/sessions", Nobody),
    ("get", "/api/v1/sessions/me", At(Viewer)),
    ("get", "/api/v1/events", At(Viewer)),
    ("get", "/api/v1/events/stream", At(Viewer)),
    ("get", "/api/v1/statistics", At(Viewer)),
    ("get", "/api/v1/tasks", At(Viewer)),
    ("get", "/api/v1/tasks/{id}", At(Viewer)),
    ("get", "/api/v1/tasks/{id}/progress", At(Viewer)),
    ("get", "/api/v1/workspaces", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/dependencies", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/commands", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/dependencies/{dependency}/change", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/dependencies/{dependency}/changes", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/dependency-tree", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/dependency-validation", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/operations", At(Viewer)),
    ("get", "/api/v1/workspaces/{id}/snapshots", At(Viewer)),
    ("get", "/api/v1/operations/{id}", At(Viewer)),
    ("get", "/api/v1/operations/{id}/output", At(Viewer)),
    ("get", "/api/v1/snapshots", At(Viewer)),
    ("get", "/api/v1/snapshots/history", At(Viewer)),
    ("get", "/api/v1/snapshots/compare", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/file", At(Viewer)),
    ("head", "/api/v1/snapshots/{id}/file", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/tensors", At(Viewer)),
    ("get", "/api/v1/training/lineage", At(Viewer)),
    ("get", "/api/v1/training/runs", At(Viewer)),
    ("get", "/api/v1/training/runs/{id}", At(Viewer)),
    ("get", "/api/v1/training/runs/{id}/params/history", At(Viewer)),
    ("get", "/api/state", At(Viewer)),
    ("get", "/api/status", At(Viewer)),
    ("get", "/api/train/status", At(Viewer)),
    ("get", "/api/metrics", At(Viewer)),
    ("get", "/api/metrics/history", At(Viewer)),
    ("get", "/api/topology", At(Viewer)),
    ("get", "/api/dataset", At(Viewer)),
    ("get", "/api/decision_boundary", At(Viewer)),
    ("get", "/api/network/stats", At(Viewer)),
    ("get", "/api/statistics", At(Viewer)),
    ("post", "/api/train/start", At(Operator)),
    ("post", "/api/train/pause", At(Operator)),
    ("post", "/api/train/resume", At(Operator)),
    ("post", "/api/train/stop", At(Operator)),
    ("post", "/api/train/reset", At(Operator)),
    ("post", "/api/set_params", At(Operator)),
    ("post", "/api/v1/training/runs", At(Operator)),
    ("get", "/api/v1/metrics/layouts", At(Viewer)),
    ("get", "/api/v1/postgres/status", At(Viewer)),
    ("get", "/api/v1/postgres/metrics", At(Viewer)),
    ("get", "/api/v1/s3/status", At(Viewer)),
    ("get", "/api/v1/s3/metrics", At(Viewer)),
    ("get", "/api/v1/metrics/layouts/{name}", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}", At(Viewer)),
    ("head", "/api/v1/snapshots/{id}", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/archive", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/content", At(Viewer)),
    ("head", "/api/v1/snapshots/{id}/content", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/diff", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/entries", At(Viewer)),
    ("get", "/api/v1/snapshots/{id}/holds", At(Viewer)),
    ("get", "/api/v1/workspace-groups", At(Viewer)),
    ("get", "/api/v1/workspace-groups/{id}", At(Viewer)),
    ("get", "/api/v1/tenants", At(Viewer)),
    ("get", "/api/checkpoints", At(Viewer)),
    ("get", "/api/checkpoints/{id}", At(Viewer)),
    ("post", "/api/checkpoints/{id}/restore", At(Viewer)),
    ("get", "/api/v1/checkpoints/at", At(Viewer)),
    ("get", "/api/v1/checkpoints/diff", At(Viewer)),
    ("get", "/api/v1/checkpoints/history", At(Viewer)),
    ("get", "/api/v1/checkpoints/tree", At(Viewer)),
    ("get", "/api/v1/approvals", At(Viewer)),
    ("post", "/api/v1/approvals/decisions", At(Viewer)),
    ("get", "/api/v1/executions", At(Viewer)),
    ("get", "/api/v1/resumes/{id}", At(Viewer)),
    ("post", "/api/v1/resumes/{id}/confirm", At(Operator)),
    ("get", "/api/v1/executors", At(Admin)),
    ("post", "/api/v1/executors", At(Admin)),
    ("get", "/api/v1/executors/{id}", At(Admin)),
    ("get", "/api/v1/executors/{id}/poll", At(Operator)),
    ("put", "/api/v1/jobs/executor", At(Admin)),
    ("get", "/api/v1/executions/{id}", At(Viewer)),
    ("get", "/api/v1/executions/{id}/events", At(Viewer)),
    ("get", "/api/v1/executions/{id}/checkpoints", At(Viewer)),
    ("get", "/api/v1/executions/{id}/checkpoints/{step}", At(Viewer)),
    ("get", "/api/v1/executions/{id}/checkpoints/{step}/wait", At(Viewer)),
    ("get", "/api/v1/jobs", At(Viewer)),
    ("get", "/api/v1/jobs/retention", At(Viewer)),
    ("get", "/api/v1/threads/checkpoints", At(Viewer)),
    ("get", "/api/v1/threads/tuple", At(Viewer)),
    ("post", "/api/v1/threads/delta-history", At(Viewer)),
    ("post", "/api/checkpoints", At(Operator)),
    ("post", "/api/checkpoints/batch", At(Operator)),
    ("post", "/api/checkpoints/cleanup", At(Operator)),
    ("post", "/api/v1/checkpoints/fork", At(Operator)),
    ("post", "/api/v1/checkpoints/import", At(Operator)),
    ("post", "/api/v1/checkpoints/pin", At(Operator)),
    ("post", "/api/v1/executions", At(Operator)),
    ("post", "/api/v1/executions/{id}/pause", At(Operator)),
    ("post", "/api/v1/executions/{id}/resume", At(Operator)),
    ("post", "/api/v1/executions/{id}/complete", At(Operator)),
    ("post", "/api/v1/executions/{id}/checkpoints", At(Operator)),
    ("post", "/api/v1/executions/{id}/checkpoints/{step}/approve", At(Operator)),
    ("post", "/api/v1/executions/{id}/checkpoints/{step}/deny", At(Operator)),
    ("post", "/api/v1/executions/{id}/checkpoints/{step}/complete", At(Operator)),
    ("post", "/api/v1/executions/{id}/fail", At(Operator)),
    ("post", "/api/v1/executions/{id}/cancel", At(Operator)),
    ("post", "/api/v1/executions/{id}/fork", At(Operator)),
    ("post", "/api/v1/executions/cleanup", At(Operator)),
    ("post", "/api/v1/jobs/retention/apply", At(Operator)),
    ("post", "/api/v1/jobs/retention/plan", At(Operator)),
    ("post", "/api/v1/jobs/unexpire", At(Operator)),
    ("post", "/api/v1/threads/batch", At(Operator)),
    ("post", "/api/v1/threads/checkpoints", At(Operator)),
    ("post", "/api/v1/threads/copy", At(Operator)),
    ("post", "/api/v1/threads/delete-runs", At(Operator)),
    ("post", "/api/v1/threads/fork", At(Operator)),
    ("post", "/api/v1/threads/prune", At(Operator)),
    ("post", "/api/v1/threads/writes", At(Operator)),
    ("delete", "/api/v1/threads", At(Operator)),
    ("post", "/api/v1/snapshots", At(Operator)),
    ("post", "/api/v1/snapshots/import", At(Operator)),
    ("post", "/api/v1/metrics/layouts", At(Operator)),
    ("delete", "/api/v1/metrics/layouts/{name}", At(Operator)),
    ("post", "/api/v1/snapshots/{id}/fork", At(Operator)),
    ("post", "/api/v1/training/runs/{id}/prune", At(Operator)),
    ("patch", "/api/v1/training/runs/{id}", At(Operator)),
    ("post", "/api/v1/workspaces/{id}/snapshots", At(Operator)),
    ("post", "/api/v1/workspace-groups/{id}/snapshots", At(Operator)),
    ("patch", "/api/v1/snapshots/{id}", At(Operator)),
    ("post", "/api/v1/snapshots/{id}/verify", At(Operator)),
    ("put", "/api/v1/snapshots/{id}/pin", At(Operator)),
    ("delete", "/api/v1/snapshots/{id}/pin", At(Operator)),
    ("post", "/api/v1/tasks/{id}/cancel", At(Operator)),
    ("post", "/api/v1/snapshots/{id}/restore-plans", At(Technical)),
    ("post", "/api/v1/snapshots/{id}/restore", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/restores", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/upgrade-plans", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/upgrades", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/command-plans", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/command-runs", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/recover", At(Technical)),
    ("post", "/api/v1/workspaces/{id}/dependency-changes", At(Technical)),
    ("post", "/api/v1/workspace-groups/{id}/restores", At(Technical)),
    ("post", "/api/v1/operations/{id}/cancel", At(Technical)),
    ("post", "/api/v1/operations/{id}/undo", At(Technical)),
    ("get", "/api/v1/audit", At(Admin)),
    ("get", "/api/v1/audit/export.csv", At(Admin)),
    ("get", "/api/v1/audit/export.jsonl", At(Admin)),
    ("get", "/api/v1/audit/verify", At(Admin)),
    ("get", "/api/v1/users", At(Admin)),
    ("post", "/api/v1/users", At(Admin)),
    ("get", "/api/v1/users/{id}", At(Admin)),
    ("patch", "/api/v1/users/{id}", At(Admin)),
    ("post", "/api/v1/users/{id}/login-links", At(Admin)),
    ("get", "/api/v1/tokens", At(Admin)),
    ("post", "/api/v1/tokens", At(Admin)),
    ("get", "/api/v1/webhooks", At(Admin)),
    ("post", "/api/v1/webhooks", At(Admin)),
    ("get", "/api/v1/webhooks/{id}", At(Admin)),
    ("patch", "/api/v1/webhooks/{id}", At(Admin)),
    ("get", "/api/v1/webhooks/{id}/deliveries", At(Admin)),
    ("post", "/api/v1/webhooks/{id}/test", At(Admin)),
    ("post", "/api/v1/workspaces", At(Admin)),
    ("patch", "/api/v1/workspaces/{id}", At(Admin)),
    ("post", "/api/v1/workspaces/{id}/prune", At(Admin)),
    ("post", "/api/v1/workspace-groups", At(Admin)),
    ("post", "/api/v1/snapshots/{id}/holds", At(Admin)),
    ("post", "/api/v1/checkpoints/hold", At(Admin)),
    ("post", "/api/v1/checkpoints/release", At(Admin)),
    ("put", "/api/v1/jobs/retention", At(Admin)),
    ("delete", "/api/checkpoints/{id}", At(Operator)),
    ("post", "/api/v1/tenants", At(Superadmin)),
    ("post", "/api/v1/jobs/rotate-key", At(Superadmin)),
    ("delete", "/api/v1/holds/{id}", At(Admin)),
    ("delete", "/api/v1/webhooks/{id}", At(Admin)),
    ("delete", "/api/v1/executors/{id}", At(Admin)),
    ("delete", "/api/v1/tokens/{id}", At(Admin)),
    ("delete", "/api/v1/workspace-groups/{id}", At(Admin)),
    ("delete", "/api/v1/training/runs/{id}", At(Operator)),
    ("delete", "/api/v1/snapshots/{id}", At(Admin)),
    ("delete", "/api/v1/workspaces/{id}", At(Admin)),
    ("delete", "/api/v1/sessions/me", At(Viewer)),
];

/// A body that every schema accepts, so that nothing but the role is a reason to refuse.
fn body(method: &str, path: &str, root: &str, things: &Things) -> Option<Value> {
    let (workspace, checkpoint) = (things.workspace(), things.checkpoint());
    let new = || json!({"job_id": "new", "step_name": "new", "state": {}});
    let key = || json!({"thread_id": "new", "checkpoint_id": "1"});
    let thread = || json!({"key": key(), "head": {"type": "x", "data": ""}});
    Some(match (method, path) {
        ("post", "/api/checkpoints") => new(),
        ("post", "/api/checkpoints/batch" | "/api/v1/checkpoints/import") => json!({"checkpoints": [new()]}),
        (
            "post",
            "/api/checkpoints/cleanup"
            | "/api/v1/jobs/unexpire"
            | "/api/v1/jobs/retention/apply"
            | "/api/v1/jobs/retention/plan",
        ) => json!({"job_id": "new"}),
        ("post", "/api/v1/approvals/decisions") => {
            json!({"decisions": [{"execution_id": "new", "step_id": "new", "decision": "approve"}]})
        }
        ("post", "/api/v1/executions") => json!({"correlation_id": "new", "workflow_name": "new"}),
        ("post", "/api/v1/executions/{id}/checkpoints") => {
            json!({"checkpoint_name": "new", "agent_id": "new"})
        }
        ("post", "/api/v1/checkpoints/fork") => json!({"checkpoint_id": checkpoint, "job_id": "new"}),
        ("post", "/api/v1/checkpoints/pin") => json!({"checkpoint_id": checkpoint, "pinned": false}),
        ("post", "/api/v1/checkpoints/hold") => json!({"checkpoint_id": checkpoint, "reason": "new"}),
        ("post", "/api/v1/checkpoints/release") => json!({"checkpoint_id": checkpoint}),
        ("post", "/api/v1/executors") => json!({"name": "new", "mode": "pull", "match": ["new"]}),
        ("put", "/api/v1/jobs/executor") => json!({"job_id": "new", "executor": "new"}),
        ("put", "/api/v1/jobs/retention") => json!({"retention": {"keep_last": 5}}),
        ("post", "/api/v1/threads/batch") => {
            json!({"operations": [{"op": "put", "key": key(), "head": {"type": "x", "data": ""}}]})
        }
        ("post", "/api/v1/threads/checkpoints") => thread(),
        ("post", "/api/v1/threads/copy") => json!({"from": "new", "to": "newer"}),
        ("post", "/api/v1/threads/delete-runs") => json!({"run_ids": ["r"]}),
        ("post", "/api/v1/threads/delta-history") => json!({"key": {"thread_id": "new"}, "channels": ["x"]}),
        ("post", "/api/v1/threads/fork") => json!({"from": {"thread_id": "new"}, "to": "newest"}),
        ("post", "/api/v1/threads/prune") => json!({"thread_ids": ["new"], "strategy": "keep_latest"}),
        ("post", "/api/v1/threads/writes") => json!({"key": key(), "task_id": "t", "writes": []}),
        ("post", "/api/v1/sessions") => json!({"name": "nobody", "password": "nothing at all"}),
        ("post", "/api/v1/snapshots") => json!({"source": workspace}),
        ("post", "/api/v1/training/runs") => json!({"name": "new", "data": {"generator": "xor"}}),
        ("post", "/api/set_params") => json!({"threads": 1}),
        ("post", "/api/v1/workspaces") => json!({"name": "new", "root": root}),
        ("post", "/api/v1/workspaces/{id}/restores" | "/api/v1/workspaces/{id}/upgrades") => {
            json!({"plan_id": "p"})
        }
        ("post", "/api/v1/workspaces/{id}/dependency-changes") => json!({"action": "resolve"}),
        ("post", "/api/v1/workspaces/{id}/command-plans" | "/api/v1/workspaces/{id}/command-runs") => {
            json!({"command": "c"})
        }
        ("post", "/api/v1/workspace-groups") => json!({"name": "new", "workspace_ids": [workspace]}),
        ("post", "/api/v1/workspace-groups/{id}/restores") => json!({"group_snapshot_id": "g"}),
        ("post", "/api/v1/users" | "/api/v1/tokens") => json!({"name": "new", "role": "viewer"}),
        ("post", "/api/v1/webhooks") => json!({"url": "http://127.0.0.1:9/new"}),
        ("post", "/api/v1/tenants" | "/api/v1/snapshots/{id}/fork") => json!({"name": "new"}),
        ("post", "/api/v1/snapshots/{id}/holds" | "/api/v1/executions/{id}/checkpoints/{step}/deny") => {
            json!({"reason": "new"})
        }
        ("patch", _) | ("post", "/api/v1/executions/{id}/checkpoints/{step}/complete") => json!({}),
        _ => return None,
    })
}

/// What stands in the query, so that nothing but the role is a reason to refuse.
fn query(method: &str, path: &str, things: &Things) -> String {
    let checkpoint = things.checkpoint();
    match (method, path) {
        (_, path) if path.ends_with("/content") => "?path=README.md".to_owned(),
        (_, path) if path.ends_with("/change") => "?ref=v1".to_owned(),
        ("get", "/api/checkpoints" | "/api/v1/checkpoints/tree" | "/api/v1/jobs/retention") => {
            "?job_id=secret-job".to_owned()
        }
        ("get", "/api/v1/checkpoints/at") => "?job_id=secret-job&time=2030-01-01T00:00:00Z".to_owned(),
        ("get", "/api/v1/checkpoints/diff") => format!("?from={checkpoint}&to={checkpoint}"),
        ("get", "/api/v1/checkpoints/history") => "?job_id=secret-job&pointer=/a".to_owned(),
        ("get", "/api/v1/snapshots/compare") => "?a=new&b=new".to_owned(),
        (_, path) if path.ends_with("/wait") || path.ends_with("/poll") => "?timeout_s=0".to_owned(),
        ("get", "/api/v1/threads/tuple") | ("delete", "/api/v1/threads") => "?thread_id=new".to_owned(),
        _ => String::new(),
    }
}

#[test]
fn every_operation_has_a_row() {
    let document = serde_json::to_value(backstay_server::openapi_document()).unwrap();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "head", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                found.insert((method.to_owned(), path.clone()));
            }
        }
    }
    let rows: BTreeSet<_> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(rows.len(), TABLE.len(), "a row stands twice");
    let missing: Vec<_> = found.difference(&rows).collect();
    assert!(missing.is_empty(), "say in TABLE who may call {missing:?}");
    let extra: Vec<_> = rows.difference(&found).collect();
    assert!(extra.is_empty(), "there is no such operation any more: {extra:?}");
}

#[tokio::test]
async fn every_role_may_call_what_its_row_says_and_a_refusal_leaves_an_event() {
    let server = TestServer::start().await;
    server.tenant("ours").await;
    let things = Things::make(&server).await;
    let admin = server.token_in("ours", Admin).await;
    let root = server.root("new").to_str().unwrap().to_owned();
    let mut tokens = Vec::new();
    for role in [Viewer, Operator, Technical, Admin, Superadmin] {
        tokens.push((role, server.token_in("ours", role).await));
    }
    for (method, path, needs) in TABLE {
        let request = || {
            let mut url = if path.contains("{id}") { things.fill(path) } else { (*path).to_owned() };
            url.push_str(&query(method, path, &things));
            let request = server.request(method.to_uppercase().parse::<Method>().unwrap(), &url);
            match body(method, path, &root, &things) {
                Some(body) => request.json(&body),
                None => request,
            }
        };
        let At(lowest) = needs else {
            let status = request().send().await.unwrap().status();
            assert_ne!(status, 403, "{method} {path}");
            continue;
        };
        if *method == "head" {
            assert_eq!(request().send().await.unwrap().status(), 401, "{method} {path}");
        } else {
            refused(request(), None, 401).await;
        }
        for (role, token) in tokens.iter().filter(|(role, _)| role < lowest) {
            let before = denied(&server, &admin).await;
            let problem = refused(request(), Some(token), 403).await;
            assert_eq!(denied(&server, &admin).await, before + 1, "{role}: {method} {path}: {problem}");
        }
        let (_, token) = tokens.iter().find(|(role, _)| role == lowest).unwrap();
        let status = request().bearer_auth(token).send().await.unwrap().status();
        assert!(![401, 403, 405, 415, 500].contains(&status.as_u16()), "{lowest}: {method} {path}: {status}");
    }
}

/// How many refusals the audit trail tells of.
async fn denied(server: &TestServer, admin: &str) -> u64 {
    let (status, page) =
        send(server.request(Method::GET, "/api/v1/audit?outcome=denied&limit=1"), admin).await;
    assert_eq!(status, 200, "{page}");
    page["total"].as_u64().unwrap()
}
