//! Executions and approvals over REST.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, send};

struct Api {
    server: TestServer,
    operator: String,
    admin: String,
}

impl Api {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let (operator, admin) = (server.token(Role::Operator).await, server.token(Role::Admin).await);
        Self { server, operator, admin }
    }

    async fn post_as(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = send(self.server.request(Method::POST, path).json(&body), token).await;
        (status.as_u16(), body)
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.post_as(&self.operator, path, body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = send(self.server.request(Method::GET, path), &self.operator).await;
        (status.as_u16(), body)
    }

    async fn execution(&self) -> String {
        let new = json!({"correlation_id": "c", "workflow_name": "nightly", "initial_data": {"day": 1}});
        let (status, body) = self.post("/api/v1/executions", new).await;
        assert_eq!((status, &body["state"]), (201, &json!("running")), "{body}");
        format!("/api/v1/executions/{}", body["execution_id"].as_str().unwrap())
    }

    async fn step(&self, execution: &str, new: Value) -> Value {
        let (status, body) = self.post(&format!("{execution}/checkpoints"), new).await;
        assert_eq!(status, 201, "{body}");
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_runs_asks_and_ends() {
    let api = Api::start().await;
    let execution = api.execution().await;
    let load = api
        .step(&execution, json!({"checkpoint_name": "load", "agent_id": "a", "input_data": {"n": 1e2}}))
        .await;
    assert_eq!((&load["state"], &load["attempt"]), (&json!("active"), &json!(1)));
    let end = json!({"output_data": {"rows": 10}, "state": {"rows": 10}});
    let (status, done) =
        api.post(&format!("{execution}/checkpoints/-/complete?checkpoint_name=load"), end).await;
    assert_eq!((status, &done["state"]), (200, &json!("completed")), "{done}");
    let (_, saved) = api.get(&format!("/api/checkpoints/{}", done["checkpoint_id"].as_str().unwrap())).await;
    assert_eq!(saved["state_snapshot"], json!({"rows": 10}));
    assert_eq!(saved["execution_id"], load["execution_id"]);

    let asked = json!({"checkpoint_name": "send", "agent_id": "a", "approval_required": true,
        "approval": {"title": "Send it?", "four_eyes": true, "timeout_s": 3600}});
    let send = api.step(&execution, asked).await;
    assert_eq!((&send["state"], &send["approval_status"]), (&json!("paused"), &json!("pending")));
    let (_, inbox) = api.get("/api/v1/approvals").await;
    assert_eq!(
        (&inbox["total"], &inbox["approvals"][0]["step"]["approval"]["title"]),
        (&json!(1), &json!("Send it?"))
    );
    assert_eq!(inbox["approvals"][0]["may_decide"], json!(false), "four eyes");
    assert_eq!(inbox["approvals"][0]["state_diff"], Value::Null);
    let (_, compared) = api.get("/api/v1/approvals?diff=true&project=default").await;
    assert_eq!(compared["approvals"][0]["state_to"], done["checkpoint_id"]);
    let change = &compared["approvals"][0]["state_diff"][0];
    assert_eq!(
        (&change["op"], &change["path"], &change["new"]),
        (&json!("add"), &json!("/rows"), &json!(10))
    );
    let step = format!("{execution}/checkpoints/{}", send["step_id"].as_str().unwrap());
    let waits = "Checkpoint send is waiting for approval";
    for refused in ["resume", "complete", "checkpoints/-/complete?checkpoint_name=send"] {
        let (status, body) = api.post(&format!("{execution}/{refused}"), json!({})).await;
        assert_eq!((status, &body["detail"]), (409, &json!(waits)));
    }
    let restore = format!("/api/checkpoints/{}/restore", done["checkpoint_id"].as_str().unwrap());
    let (status, body) = api.post(&restore, json!({"resume": true})).await;
    assert_eq!((status, &body["detail"]), (409, &json!(waits)));
    let (status, _) = api.post(&format!("{step}/approve"), json!({})).await;
    assert_eq!(status, 403, "the one who asks");
    let (status, body) = api.post_as(&api.admin, &format!("{step}/deny"), json!({})).await;
    assert_eq!((status, &body["errors"][0]["field"]), (422, &json!("reason")));
    let (_, waited) = api.get(&format!("{step}/wait?timeout_s=0")).await;
    assert_eq!(waited["state"], "paused");
    let (status, body) = api.post_as(&api.admin, &format!("{step}/approve"), json!({"reason": "fine"})).await;
    assert_eq!((status, &body["state"]), (200, &json!("active")), "{body}");
    assert_eq!(body["approval"]["decisions"][0]["decision"], "approved");
    let (status, body) = api.post_as(&api.admin, &format!("{step}/deny"), json!({"reason": "no"})).await;
    assert_eq!(status, 409, "{body}");
    assert!(body["detail"].as_str().unwrap().starts_with("Approval already decided: approved by "));
    api.post(&format!("{step}/complete"), json!({})).await;
    let (status, ended) = api.post(&format!("{execution}/complete"), json!({})).await;
    assert_eq!((status, &ended["state"]), (200, &json!("completed")), "{ended}");
    assert_eq!((&ended["total_checkpoints"], &ended["completed_checkpoints"]), (&json!(2), &json!(2)));

    let (_, steps) = api.get(&format!("{execution}/checkpoints")).await;
    let names: Vec<_> =
        steps["checkpoints"].as_array().unwrap().iter().map(|s| s["checkpoint_name"].clone()).collect();
    assert_eq!(names, ["load", "send"]);
    let (_, events) = api.get(&format!("{execution}/events")).await;
    let actions: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!((actions[0], *actions.last().unwrap()), ("execution.running", "execution.completed"));
    assert!(actions.contains(&"approval.refused"));
    let (_, list) = api.get("/api/v1/executions?state=completed&workflow_name=nightly").await;
    assert_eq!(list["total"], 1);
    let (_, cleaned) = api.post("/api/v1/executions/cleanup", json!({"max_age_days": 30})).await;
    assert_eq!(cleaned["deleted_count"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_and_changes_nothing() {
    let api = Api::start().await;
    let execution = api.execution().await;
    for (path, body, status) in [
        ("/api/v1/executions", json!({"correlation_id": "", "workflow_name": "w"}), 422),
        ("/api/v1/executions", json!({"workflow_name": "w"}), 422),
        (
            "/api/v1/executions",
            json!({"correlation_id": "c", "workflow_name": "w", "initial_data": [1]}),
            422,
        ),
        ("/api/v1/executions/exec_x_1767435330_00000000/pause", json!({}), 404),
        ("/api/v1/executions/..%2F..%2Fetc/pause", json!({}), 404),
    ] {
        let (found, answer) = api.post(path, body).await;
        assert_eq!(found, status, "{path}: {answer}");
    }
    let (status, body) = api.get("/api/v1/executions?state=sleeping").await;
    assert_eq!(status, 422, "{body}");
    let (status, _) = api.get("/api/v1/executions?limit=501").await;
    assert_eq!(status, 422);
    let (status, body) = api.post(&format!("{execution}/checkpoints/-/complete"), json!({})).await;
    assert_eq!((status, &body["errors"][0]["field"]), (422, &json!("checkpoint_name")));
    let (status, body) =
        api.post(&format!("{execution}/checkpoints/-/complete?checkpoint_name=x"), json!({})).await;
    assert_eq!((status, &body["detail"]), (404, &json!("Checkpoint not found: x")));
    let hostile = json!({"checkpoint_name": "../../evil", "agent_id": "a"});
    let step = api.step(&execution, hostile).await;
    assert_eq!(step["checkpoint_name"], "../../evil");
    assert!(step["step_id"].as_str().unwrap().starts_with("step_evil_"));
    let unknown =
        json!({"checkpoint_name": "x", "agent_id": "a", "approval": {"approvers": {"roles": ["king"]}}});
    let (status, _) = api.post(&format!("{execution}/checkpoints"), unknown).await;
    assert_eq!(status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_carried_out_once() {
    let api = Api::start().await;
    let new = json!({"correlation_id": "c", "workflow_name": "w"});
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request =
            api.server.request(Method::POST, "/api/v1/executions").header("idempotency-key", "k").json(&new);
        ids.push(send(request, &api.operator).await.1["execution_id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(api.get("/api/v1/executions").await.1["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_approvals_are_decided_at_once() {
    let api = Api::start().await;
    let execution = api.execution().await;
    let id = execution.rsplit_once('/').unwrap().1;
    let mut decisions = Vec::new();
    for name in ["one", "two", "three"] {
        let asked = json!({"checkpoint_name": name, "agent_id": "a", "approval_required": true});
        let step = api.step(&execution, asked).await;
        let word = if name == "two" { "deny" } else { "approve" };
        decisions.push(json!({"execution_id": id, "step_id": step["step_id"], "decision": word}));
    }
    let path = "/api/v1/approvals/decisions";
    let (status, body) = api.post(path, json!({"decisions": decisions})).await;
    assert_eq!(status, 200, "{body}");
    let statuses: Vec<_> =
        body["results"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [200, 422, 200], "a denial must say why");
    assert_eq!(body["results"][1]["error"]["errors"][0]["field"], "reason");
    assert_eq!(body["results"][2]["step"]["state"], "active");
    decisions[1]["reason"] = json!("no");
    let (_, body) = api.post(path, json!({"decisions": decisions})).await;
    let statuses: Vec<_> =
        body["results"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [409, 200, 409]);
    let viewer = api.server.token(Role::Viewer).await;
    let (status, body) = api.post_as(&viewer, path, json!({"decisions": [decisions[0]]})).await;
    assert_eq!((status, &body["results"][0]["status"]), (200, &json!(403)));
    for wrong in [json!({"decisions": []}), json!({"decisions": [{"decision": "maybe"}]}), json!({})] {
        assert_eq!(api.post(path, wrong).await.0, 422);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_leaves_the_approval_pending() {
    let api = Api::start().await;
    // Nothing listens at this port.
    let hook = json!({"url": "http://127.0.0.1:9/hook", "actions": ["approval."]});
    assert_eq!(api.post_as(&api.admin, "/api/v1/webhooks", hook).await.0, 201);
    let execution = api.execution().await;
    let asked = json!({"checkpoint_name": "send", "agent_id": "a", "approval_required": true});
    let step = api.step(&execution, asked).await;
    while api.server.service.deliver_webhooks().await.unwrap() > 0 {}
    let (_, found) = api.get(&format!("{execution}/checkpoints/{}", step["step_id"].as_str().unwrap())).await;
    assert_eq!((&found["state"], &found["approval_status"]), (&json!("paused"), &json!("pending")));
    assert_eq!(api.get(&execution).await.1["state"], "paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_somebody_approves() {
    let api = Api::start().await;
    let execution = api.execution().await;
    let asked = json!({"checkpoint_name": "send", "agent_id": "a", "approval_required": true});
    let step = api.step(&execution, asked).await;
    let step = format!("{execution}/checkpoints/{}", step["step_id"].as_str().unwrap());
    let wait = format!("{execution}/checkpoints/-/wait?checkpoint_name=send&timeout_s=300");
    let approve = format!("{step}/approve");
    let (waited, decided) = tokio::join!(api.get(&wait), api.post_as(&api.admin, &approve, json!({})));
    assert_eq!((waited.0, &waited.1["state"], decided.0), (200, &json!("active"), 200));
    let (status, _) = api.get(&format!("{step}/wait?timeout_s=301")).await;
    assert_eq!(status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_ended_is_forked() {
    let api = Api::start().await;
    let execution = api.execution().await;
    let step = api.step(&execution, json!({"checkpoint_name": "load", "agent_id": "a"})).await;
    let step = format!("{execution}/checkpoints/{}", step["step_id"].as_str().unwrap());
    let (_, done) = api.post(&format!("{step}/complete"), json!({"state": {"rows": 1e2}})).await;
    api.post(&format!("{execution}/fail"), json!({})).await;
    let request = || {
        let path = format!("{execution}/fork");
        api.server
            .request(Method::POST, &path)
            .header("idempotency-key", "k")
            .json(&json!({"reason": "again"}))
    };
    let (status, forked) = send(request(), &api.operator).await;
    assert_eq!((status.as_u16(), &forked["state"]), (201, &json!("running")), "{forked}");
    assert_eq!(send(request(), &api.operator).await.1, forked, "sent twice is forked once");
    let origin = execution.rsplit_once('/').unwrap().1;
    let from = json!({"execution_id": origin, "checkpoint_id": done["checkpoint_id"]});
    assert_eq!(forked["forked_from"], from);
    assert_eq!(forked["global_data"], json!({"day": 1}));
    let job = forked["job_id"].as_str().unwrap();
    let (_, saved) = api.get(&format!("/api/checkpoints?job_id={job}")).await;
    let (_, saved) = api
        .get(&format!("/api/checkpoints/{}", saved["checkpoints"][0]["checkpoint_id"].as_str().unwrap()))
        .await;
    assert_eq!(saved["state_snapshot"], json!({"rows": 100.0}));
    let (_, events) = api.get(&format!("{execution}/events")).await;
    assert_eq!(events["events"].as_array().unwrap().last().unwrap()["action"], "execution.forked");

    let (status, body) = api.post(&format!("{execution}/fork"), json!({"state": {}})).await;
    assert_eq!(status, 422, "{body}");
    let (status, _) = api.post("/api/v1/executions/exec_x_1767435330_00000000/fork", json!({})).await;
    assert_eq!(status, 404);
    let viewer = api.server.token(Role::Viewer).await;
    assert_eq!(api.post_as(&viewer, &format!("{execution}/fork"), json!({})).await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_stands_at_a_typed_checkpoint_is_not_forked() {
    let api = Api::start().await;
    let typed = json!({
        "key": {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "1"}, "parent": null,
        "head": {"type": "msgpack", "data": ""}, "metadata": {}, "changed": {}, "keep": [],
    });
    let (status, body) = api.post("/api/v1/threads/checkpoints", typed).await;
    assert_eq!(status, 201, "{body}");
    let new = json!({"correlation_id": "c", "workflow_name": "w", "job_id": "t"});
    let (_, started) = api.post("/api/v1/executions", new).await;
    let path = format!("/api/v1/executions/{}/fork", started["execution_id"].as_str().unwrap());
    let (status, body) = api.post(&path, json!({})).await;
    assert_eq!((status, &body["code"]), (409, &json!("typed")), "{body}");
}
