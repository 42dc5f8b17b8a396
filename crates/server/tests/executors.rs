//! Executors and resumes over REST, with an executor on a real socket.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, send};

/// What an executor received, and what it answers in turn.
#[derive(Clone, Default)]
struct Executor {
    received: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<VecDeque<Value>>>,
}

impl Executor {
    /// Listens; returns its URL.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/resume", listener.local_addr().unwrap());
        let app = Router::new().route("/resume", post(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url
    }
}

async fn answer(State(executor): State<Executor>, body: axum::Json<Value>) -> axum::Json<Value> {
    executor.received.lock().unwrap().push(body.0);
    axum::Json(executor.answers.lock().unwrap().pop_front().unwrap_or_else(|| json!({"accepted": true})))
}

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

    async fn call(&self, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = send(self.server.request(method, path).json(&body), token).await;
        (status.as_u16(), body)
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(&self.operator, Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = send(self.server.request(Method::GET, path), &self.operator).await;
        (status.as_u16(), body)
    }

    async fn register(&self, new: Value) -> Value {
        let (status, body) = self.call(&self.admin, Method::POST, "/api/v1/executors", new).await;
        assert_eq!(status, 201, "{body}");
        body
    }

    async fn save(&self, job: &str, n: u32) -> String {
        let new = json!({"job_id": job, "step_name": format!("step_{n}"), "state": {"iteration": n}});
        self.post("/api/checkpoints", new).await.1["checkpoint_id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_with_resume_says_resumed_only_when_the_executor_confirmed() {
    let api = Api::start().await;
    let executor = Executor::default();
    let url = executor.listen().await;
    let made = api.register(json!({"name": "worker", "url": url, "match": ["night*"]})).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(
        (&made["executor"]["timeout_s"], &made["executor"]["capabilities"]),
        (&json!(10), &json!(["resume"]))
    );
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(api.save("nightly", n).await);
    }
    let restore = format!("/api/checkpoints/{}/restore", ids[1]);
    let (status, restored) = api.post(&restore, json!({"resume": true, "reason": "bad input"})).await;
    assert_eq!((status, &restored["job_status"]), (200, &json!("resumed")), "{restored}");
    assert_eq!(restored["message"], "Checkpoint restored and job resumed successfully");
    assert_eq!(restored["state"], json!({"iteration": 1}));
    assert_eq!(restored["safety_checkpoint_id"], json!(ids[2]));
    let received = executor.received.lock().unwrap().clone();
    assert_eq!(received.len(), 1, "the state once");
    let data = &received[0]["data"];
    assert_eq!((&data["state"], &data["epoch"]), (&json!({"iteration": 1}), &json!(1)));
    assert_eq!(data["delivery_id"], restored["resume_id"]);
    let (_, resume) = api.get(&format!("/api/v1/resumes/{}", restored["resume_id"].as_str().unwrap())).await;
    assert_eq!((&resume["state"], &resume["reason"]), (&json!("confirmed"), &json!("bad input")));
    let stale = json!({"job_id": "nightly", "step_name": "s", "state": {}, "epoch": 0});
    let (status, body) = api.post("/api/checkpoints", stale).await;
    assert_eq!(
        (status, &body["detail"]),
        (409, &json!("Job nightly was resumed as epoch 1; this writer has 0"))
    );

    let refuse = json!({"accepted": false, "reason": "not now"});
    executor.answers.lock().unwrap().push_back(refuse);
    let (status, restored) = api.post(&restore, json!({"resume": true})).await;
    assert_eq!((status, &restored["job_status"]), (200, &json!("restored")));
    assert_eq!(restored["message"], "Checkpoint restored but failed to resume: not now");

    // A repeated request is one resume.
    let keyed = || {
        let request = api.server.request(Method::POST, &restore).header("idempotency-key", "k");
        send(request.json(&json!({"resume": true})), &api.operator)
    };
    assert_eq!(keyed().await, keyed().await);
    assert_eq!(executor.received.lock().unwrap().len(), 3);

    let (_, restored) = api.post(&restore, json!({})).await;
    assert_eq!(
        (&restored["message"], &restored["resume_id"]),
        (&json!("Checkpoint restored successfully"), &Value::Null)
    );
    let other = api.save("weekly", 0).await;
    let (_, restored) = api.post(&format!("/api/checkpoints/{other}/restore"), json!({"resume": true})).await;
    assert_eq!(restored["message"], "Checkpoint restored (resume not supported by executor)");
    let named = json!({"job_id": "weekly", "executor": "worker"});
    let (status, _) = api.call(&api.admin, Method::PUT, "/api/v1/jobs/executor", named).await;
    assert_eq!(status, 204);
    let (_, restored) = api.post(&format!("/api/checkpoints/{other}/restore"), json!({"resume": true})).await;
    assert_eq!(restored["job_status"], "resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_polls_and_confirms() {
    let api = Api::start().await;
    let new = json!({"name": "puller", "mode": "pull", "match": ["*"], "timeout_s": 300});
    let made = api.register(new).await;
    let poll = format!("/api/v1/executors/{}/poll", made["executor"]["executor_id"].as_str().unwrap());
    let empty = api.server.request(Method::GET, &format!("{poll}?timeout_s=0")).bearer_auth(&api.operator);
    assert_eq!(empty.send().await.unwrap().status(), 204);
    let id = api.save("j", 7).await;
    let path = format!("/api/checkpoints/{id}/restore");
    let executor = async {
        let request = api.server.request(Method::GET, &format!("{poll}?timeout_s=300"));
        let message = request.bearer_auth(&api.operator).send().await.unwrap();
        assert_eq!(message.status(), 200);
        for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            assert!(message.headers().contains_key(header), "{header}");
        }
        let message: Value = message.json().await.unwrap();
        assert_eq!(
            (&message["type"], &message["data"]["state"]),
            (&json!("job.resume"), &json!({"iteration": 7}))
        );
        let confirm = format!("/api/v1/resumes/{}/confirm", message["data"]["delivery_id"].as_str().unwrap());
        api.post(&confirm, json!({})).await
    };
    let (restored, confirmed) = tokio::join!(api.post(&path, json!({"resume": true})), executor);
    assert_eq!((confirmed.0, &confirmed.1["state"]), (200, &json!("confirmed")));
    assert_eq!((restored.0, &restored.1["job_status"]), (200, &json!("resumed")), "{}", restored.1);
    assert_eq!(restored.1["resume_id"], confirmed.1["resume_id"]);
    let (status, body) = api.get(&format!("{poll}?timeout_s=301")).await;
    assert_eq!(status, 422, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_once_and_what_is_wrong_is_told() {
    let api = Api::start().await;
    let made = api.register(json!({"name": "worker", "url": "https://example.org/x", "match": ["*"]})).await;
    let secret = made["secret"].as_str().unwrap();
    let path = format!("/api/v1/executors/{}", made["executor"]["executor_id"].as_str().unwrap());
    for path in ["/api/v1/executors", &path] {
        let (status, body) = send(api.server.request(Method::GET, path), &api.admin).await;
        assert_eq!(status, 200);
        assert!(body.to_string().contains("https://example.org/x") && !body.to_string().contains(secret));
    }
    for (new, field) in [
        (json!({"name": "a", "match": ["*"]}), "url"),
        (json!({"name": "a", "url": "https://example.org/", "mode": "pull", "match": ["*"]}), "url"),
        (json!({"name": "a", "url": "ftp://example.org/", "match": ["*"]}), "url"),
        (json!({"name": "a", "url": "https://u:p@example.org/", "match": ["*"]}), "url"),
        (json!({"name": "a", "mode": "pull", "match": []}), "match"),
        (json!({"name": "a", "mode": "pull", "match": ["["]}), "match.0"),
        (json!({"name": "a", "mode": "pull", "match": ["*"], "timeout_s": 0}), "timeout_s"),
        (json!({"name": "a", "mode": "pull", "match": ["*"], "capabilities": ["capture"]}), "capabilities"),
        (json!({"name": "../a", "mode": "pull", "match": ["*"]}), "name"),
    ] {
        let (status, body) = api.call(&api.admin, Method::POST, "/api/v1/executors", new).await;
        assert_eq!((status, &body["errors"][0]["field"]), (422, &json!(field)), "{body}");
    }
    let twice = json!({"name": "worker", "mode": "pull", "match": ["*"]});
    assert_eq!(api.call(&api.admin, Method::POST, "/api/v1/executors", twice).await.0, 409);
    assert_eq!(api.call(&api.admin, Method::DELETE, &path, json!(null)).await.0, 204);
    assert_eq!(api.call(&api.admin, Method::DELETE, &path, json!(null)).await.0, 404);
    for path in ["/api/v1/executors/x/poll", "/api/v1/resumes/..%2Fx"] {
        assert_eq!(api.get(path).await.0, 404, "{path}");
    }
}
