//! Checkpoints by the simple API.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

struct Api {
    server: TestServer,
    token: String,
}

impl Api {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let token = server.token(Role::Operator).await;
        Self { server, token }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.server.request(method, path)
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = send(self.request(Method::POST, path).json(&body), &self.token).await;
        (status.as_u16(), body)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = send(self.request(Method::GET, path), &self.token).await;
        (status.as_u16(), body)
    }

    async fn save(&self, job: &str, step: &str, state: Value) -> String {
        let (status, body) =
            self.post("/api/checkpoints", json!({"job_id": job, "step_name": step, "state": state})).await;
        assert_eq!(status, 201, "{body}");
        body["checkpoint_id"].as_str().unwrap().to_owned()
    }

    async fn save_steps(&self, job: &str, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for n in 0..count {
            ids.push(self.save(job, &format!("step_{n}"), json!({"iteration": n})).await);
        }
        ids
    }

    async fn total(&self, job: &str) -> u64 {
        self.get(&format!("/api/checkpoints?job_id={job}")).await.1["total"].as_u64().unwrap()
    }

    /// Sends a body that is no `Value`.
    fn raw(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_are_saved_listed_in_order_restored_and_deleted() {
    let api = Api::start().await;
    let ids = api.save_steps("j1", 12).await;
    let (status, list) = api.get("/api/checkpoints?job_id=j1").await;
    assert_eq!((status, &list["total"], &list["job_id"]), (200, &json!(12), &json!("j1")));
    let names: Vec<_> =
        list["checkpoints"].as_array().unwrap().iter().map(|c| c["step_name"].clone()).collect();
    assert_eq!(names, (0..12).map(|n| json!(format!("step_{n}"))).collect::<Vec<_>>());
    assert!(list["checkpoints"][0].get("state_snapshot").is_none());
    assert_eq!(list["checkpoints"][1]["parent_id"], json!(ids[0]));

    let (status, restored) = api.post(&format!("/api/checkpoints/{}/restore", ids[2]), json!({})).await;
    assert_eq!((status, &restored["state"]), (200, &json!({"iteration": 2})), "{restored}");
    assert_eq!(restored["message"], "Checkpoint restored successfully");
    assert_eq!((&restored["job_status"], &restored["resume_id"]), (&json!("restored"), &Value::Null));
    let (_, resumed) =
        api.post(&format!("/api/checkpoints/{}/restore", ids[2]), json!({"resume": true})).await;
    assert_eq!(resumed["message"], "Checkpoint restored (resume not supported by executor)");

    let path = format!("/api/checkpoints/{}", ids[3]);
    assert_eq!(send(api.request(Method::DELETE, &path), &api.token).await.0, 204);
    assert_eq!(api.total("j1").await, 11);
    let gone = refused(api.request(Method::DELETE, &path), Some(&api.token), 404).await;
    assert_eq!(gone["detail"], json!(format!("Checkpoint {} not found", ids[3])));
    assert_eq!(gone["error"], "Not Found");
    let (_, page) = api.get("/api/checkpoints?job_id=j1&limit=2&offset=3&order=desc").await;
    assert_eq!(page["checkpoints"][0]["checkpoint_id"], json!(ids[8]));
    let (_, named) = api.get("/api/checkpoints?job_id=j1&step_name=step_5").await;
    assert_eq!((&named["total"], &named["checkpoints"][0]["checkpoint_id"]), (&json!(1), &json!(ids[5])));
    assert_eq!(api.total("never_seen").await, 0);
    refused(api.request(Method::GET, "/api/checkpoints"), Some(&api.token), 422).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_comes_back_as_it_was_sent() {
    let api = Api::start().await;
    let filler = "x".repeat(5000);
    for state in [
        "{}".to_owned(),
        r#"{"z":1,"a":12345678901234567890123,"f":1.50,"e":1E400,"n":"\u0000","u":"\ud83d\ude00"}"#
            .to_owned(),
        format!(r#"{{"b": [1, 2 ], "filler":"{filler}","a":9007199254740993}}"#),
        format!(r#"{{"b": [1, 3 ], "filler":"{filler}","a":9007199254740993}}"#),
        format!(r#"{{"a":{}1{}}}"#, "[".repeat(255), "]".repeat(255)),
    ] {
        let body =
            format!(r#"{{"job_id":"j","step_name":"s","state":{state},"metadata":{{"b":1,"a":2.0}}}}"#);
        let (status, made) = send(api.raw("/api/checkpoints", body), &api.token).await;
        assert_eq!(status, 201, "{made}");
        let path = format!("/api/checkpoints/{}", made["checkpoint_id"].as_str().unwrap());
        let response = api.request(Method::GET, &path).bearer_auth(&api.token).send().await.unwrap();
        let tag = response.headers()["etag"].clone();
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("\"state_snapshot\":{state}")), "{text:.300}");
        assert!(text.contains(r#""metadata":{"b":1,"a":2.0}"#));
        let tag = tag.to_str().unwrap();
        let lists = [tag.to_owned(), format!("W/{tag}"), format!("\"other\", W/{tag}"), "*".to_owned()];
        for list in lists {
            let again = api.request(Method::GET, &path).header("if-none-match", &list);
            assert_eq!(send(again, &api.token).await.0, 304, "{list}");
        }
        let changed = api.request(Method::GET, &path).header("if-none-match", "\"other\"");
        assert_eq!(send(changed, &api.token).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_null_is_listed_and_has_no_state() {
    let api = Api::start().await;
    let item = |step: &str, state: Value| json!({"job_id": "j", "step_name": step, "state": state});
    let body = json!({"checkpoints": [item("good", json!({"n": 1})), item("lost", Value::Null)]});
    let (status, _) = api.post("/api/checkpoints/batch", body.clone()).await;
    assert_eq!(status, 422, "only an import takes it");
    let (status, made) = api.post("/api/v1/checkpoints/import", body).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!((&made["items"][1]["size_bytes"], &made["items"][1]["integrity"]), (&json!(0), &json!("ok")));
    let id = made["items"][1]["checkpoint_id"].as_str().unwrap();
    for (method, path) in [
        (Method::GET, format!("/api/checkpoints/{id}")),
        (Method::POST, format!("/api/checkpoints/{id}/restore")),
        (Method::GET, format!("/api/v1/checkpoints/diff?from={id}&to={id}")),
    ] {
        let problem = refused(api.request(method, &path), Some(&api.token), 400).await;
        assert_eq!(problem["detail"], json!(format!("Checkpoint {id} has no state data")));
    }
    // It is no damage, and not what is kept as the last good one.
    let (_, done) = api.post("/api/checkpoints/cleanup", json!({"job_id": "j", "keep_last": 1})).await;
    let reasons: Vec<_> =
        done["kept"].as_array().unwrap().iter().map(|kept| kept["reason"].clone()).collect();
    assert_eq!(reasons, [json!("last_good"), json!("newest")], "{done}");
    let (_, list) = api.get("/api/checkpoints?job_id=j").await;
    assert_eq!(list["checkpoints"][1]["integrity"], "ok");
    let (status, made) = api
        .post(
            "/api/v1/checkpoints/import",
            json!({"atomic": false, "checkpoints": [item("x", json!([])), item("y", json!({}))]}),
        )
        .await;
    assert_eq!(
        (status, &made["results"][0]["status"], &made["results"][1]["status"]),
        (200, &json!(422), &json!(201))
    );
    api.save("j", "next", json!({"filler": "x".repeat(5000)})).await;
    assert_eq!(api.total("j").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_state_is_refused() {
    let api = Api::start().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(256), "]".repeat(256));
    for state in [
        "null",
        "[]",
        "1",
        "\"x\"",
        "{\"a\":NaN}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":-Infinity}",
        &deep,
        "{",
    ] {
        let body = format!(r#"{{"job_id":"j","step_name":"s","state":{state}}}"#);
        let problem = refused(api.raw("/api/checkpoints", body), Some(&api.token), 422).await;
        assert!(problem["errors"][0]["field"].is_string(), "{problem}");
    }
    for (field, value) in [
        ("job_id", json!("x".repeat(600))),
        ("job_id", json!("")),
        ("job_id", json!("a\nb")),
        ("step_name", json!("x".repeat(256))),
        ("workflow_version", json!("x".repeat(65))),
        ("ttl_s", json!(0)),
        ("metadata", json!([])),
        ("parent_id", json!("step_1737201236_00000000")),
        ("unknown", json!(1)),
    ] {
        let mut body = json!({"job_id": "j", "step_name": "s", "state": {}});
        body[field] = value;
        let request = api.request(Method::POST, "/api/checkpoints").json(&body);
        let problem = refused(request, Some(&api.token), 422).await;
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    assert_eq!(api.total("j").await, 0);
    let large = format!(r#"{{"job_id":"j","step_name":"s","state":{{"a":"{}"}}}}"#, "x".repeat(69_999_992));
    let problem = refused(api.raw("/api/checkpoints", large), Some(&api.token), 413).await;
    assert_eq!(problem["detail"], "state is 70000000 bytes; the limit is 67108864");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_plain_names() {
    let api = Api::start().await;
    for (job, step, slug) in
        [("../x", "../../evil", "evil"), ("a/b", "a/b", "a-b"), ("\u{1f600} %00", "..", "step")]
    {
        let id = api.save(job, step, json!({})).await;
        assert!(id.starts_with(&format!("{slug}_")), "{id}");
        let (_, found) = api.get(&format!("/api/checkpoints/{id}")).await;
        assert_eq!((&found["job_id"], &found["step_name"]), (&json!(job), &json!(step)));
    }
    for id in ["nope", "..", "step_1_00000000", "a%2Fb", "step_1737201236_9f3a01bc", "%00"] {
        let (status, _) = api.get(&format!("/api/checkpoints/{id}")).await;
        assert_eq!(status, 404, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cleaning_keeps_the_newest() {
    let api = Api::start().await;
    let clean = |body: Value| api.post("/api/checkpoints/cleanup", body);
    let ids = api.save_steps("five", 5).await;
    let (_, shown) = clean(json!({"job_id": "five", "keep_last": 3, "dry_run": true})).await;
    assert_eq!(api.total("five").await, 5);
    let (status, done) = clean(json!({"job_id": "five", "keep_last": 3})).await;
    assert_eq!((status, &done["deleted_count"], &done["kept_count"]), (200, &json!(2), &json!(3)), "{done}");
    assert_eq!((&done["deleted"], &shown["deleted"]), (&json!(ids[..2]), &json!(ids[..2])));
    assert_eq!(done["kept"][2], json!({"id": ids[4], "reason": "newest"}));
    api.save_steps("fifteen", 15).await;
    let (_, done) = clean(json!({"job_id": "fifteen"})).await;
    assert_eq!((&done["deleted_count"], &done["kept_count"]), (&json!(5), &json!(10)));
    let (_, done) = clean(json!({"job_id": "unknown"})).await;
    assert_eq!((&done["deleted_count"], &done["kept_count"]), (&json!(0), &json!(0)));
    for body in [
        json!({}),
        json!({"job_id": "x", "keep_last": 0}),
        json!({"job_id": "x", "keep_last": 101}),
        json!({"job_id": "x", "keep_last": 2.5}),
    ] {
        assert_eq!(clean(body.clone()).await.0, 422, "{body}");
    }
    let (status, problem) = clean(json!({"job_id": ""})).await;
    assert_eq!((status, &problem["detail"]), (400, &json!("Missing required parameter: job_id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_is_readable_when_what_it_was_encoded_against_goes() {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for n in 0..20 {
        let mut items: Vec<String> = (0..20).map(|i| format!("{:0>200}", i * 7919)).collect();
        items[n] = format!("{n:a>200}");
        ids.push(api.save("j", "s", json!({"items": items, "n": n})).await);
    }
    for n in [4, 5, 11, 0] {
        let path = format!("/api/checkpoints/{}", ids[n]);
        assert_eq!(send(api.request(Method::DELETE, &path), &api.token).await.0, 204);
    }
    api.post("/api/checkpoints/cleanup", json!({"job_id": "j", "keep_last": 10})).await;
    assert_eq!(api.total("j").await, 10);
    for (n, id) in ids.iter().enumerate() {
        let (status, found) = api.get(&format!("/api/checkpoints/{id}")).await;
        if status == 200 {
            assert_eq!(found["state_snapshot"]["n"], json!(n));
        } else {
            assert!(n < 10 || n == 11, "{n} is gone");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_whole_or_each_for_itself() {
    let api = Api::start().await;
    let good = |n: usize| json!({"job_id": "j", "step_name": format!("s{n}"), "state": {"n": n}});
    let (status, made) = api.post("/api/checkpoints/batch", json!({"checkpoints": [good(0), good(1)]})).await;
    assert_eq!((status, &made["items"][1]["sequence"]), (201, &json!(2)), "{made}");
    let mut bad = good(2);
    bad["parent_id"] = json!("s0_1737201236_00000000");
    for wrong in [json!({"job_id": "j", "step_name": "x", "state": null}), json!({"job_id": "j"}), bad] {
        let (status, problem) = api
            .post("/api/checkpoints/batch", json!({"checkpoints": [good(2), wrong.clone(), good(3)]}))
            .await;
        assert_eq!(status, 422, "{problem}");
        assert_eq!(problem["errors"][0]["loc"][2], json!(1), "{problem}");
        assert_eq!(api.total("j").await, 2);
        let each = json!({"checkpoints": [good(2), wrong, good(3)], "atomic": false});
        let (status, results) = api.post("/api/checkpoints/batch", each).await;
        let statuses: Vec<_> =
            results["results"].as_array().unwrap().iter().map(|r| r["status"].clone()).collect();
        assert_eq!((status, statuses), (200, vec![json!(201), json!(422), json!(201)]), "{results}");
        api.post("/api/checkpoints/cleanup", json!({"job_id": "j", "keep_last": 2})).await;
    }
    let (status, _) = api.post("/api/checkpoints/batch", json!({"checkpoints": []})).await;
    assert_eq!(status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_saves_once() {
    let api = Api::start().await;
    let post = |key: &'static str, n: u64| {
        let body = json!({"job_id": "j", "step_name": "s", "state": {"n": n}});
        let request =
            api.request(Method::POST, "/api/checkpoints").header("idempotency-key", key).json(&body);
        send(request, &api.token)
    };
    let (first, second) = (post("k1", 1).await, post("k1", 1).await);
    assert_eq!(first.0, 201);
    assert_eq!(first, second);
    assert_eq!(post("k1", 2).await.0, 422);
    assert_eq!(post("k2", 1).await.0, 201);
    assert_eq!(api.total("j").await, 2);
    api.server.clock.advance(24 * 3600 + 1);
    assert_eq!(post("k1", 2).await.0, 201);
    // A state that is larger than other bodies may be, and a restore that gives it back.
    let large = json!({"job_id": "large", "step_name": "s", "state": {"x": "x".repeat(3 << 20)}});
    let save = || api.request(Method::POST, "/api/checkpoints").header("idempotency-key", "k3").json(&large);
    let saved = send(save(), &api.token).await;
    assert_eq!((saved.0.as_u16(), &saved), (201, &send(save(), &api.token).await));
    let path = format!("/api/checkpoints/{}/restore", saved.1["checkpoint_id"].as_str().unwrap());
    let restore = || api.request(Method::POST, &path).header("idempotency-key", "k4");
    let restored = send(restore(), &api.token).await;
    assert_eq!(restored.1["state"], large["state"]);
    assert_eq!(send(restore(), &api.token).await, restored);
    assert_eq!(api.total("large").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_states_up_to_the_limit_come_back_and_larger_ones_are_refused() {
    let api = Api::start().await;
    let limit = 64 << 20;
    for bytes in [2, 9, 1023, 1024, 1 << 20, (1 << 20) + 1, 20 << 20, limit] {
        // The second of each is encoded against the first where that is done.
        for byte in ["x", "y"] {
            let state = if bytes == 2 {
                "{}".to_owned()
            } else {
                format!(r#"{{"a":"{}{byte}"}}"#, "x".repeat(bytes - 9))
            };
            assert_eq!(state.len(), bytes);
            let body = format!(r#"{{"job_id":"j","step_name":"s","state":{state}}}"#);
            let (status, made) = send(api.raw("/api/checkpoints", body), &api.token).await;
            assert_eq!((status.as_u16(), &made["size_bytes"]), (201, &json!(bytes)), "{made:.300}");
            let path = format!("/api/checkpoints/{}", made["checkpoint_id"].as_str().unwrap());
            let response = api.request(Method::GET, &path).bearer_auth(&api.token).send().await.unwrap();
            assert!(
                response.text().await.unwrap().contains(&format!("\"state_snapshot\":{state}")),
                "{bytes}"
            );
        }
    }
    let total = api.total("j").await;
    let one_more = format!(r#"{{"job_id":"j","step_name":"s","state":{{"a":"{}"}}}}"#, "x".repeat(limit - 7));
    let problem = refused(api.raw("/api/checkpoints", one_more), Some(&api.token), 413).await;
    assert_eq!(problem["detail"], "state is 67108865 bytes; the limit is 67108864");
    let half = format!(r#"{{"job_id":"j","step_name":"s","state":{{"a":"{}"}}}}"#, "x".repeat(limit / 2));
    let batch = format!(r#"{{"checkpoints":[{half},{half}]}}"#);
    let problem = refused(api.raw("/api/checkpoints/batch", batch), Some(&api.token), 413).await;
    assert!(problem["detail"].as_str().unwrap().ends_with("bytes; the limit is 67108864"), "{problem}");
    assert_eq!(api.total("j").await, total);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_tenants_are_kept_apart() {
    let api = Api::start().await;
    let id = api.save("j", "s", json!({"secret": 1})).await;
    let viewer = api.server.token(Role::Viewer).await;
    api.server.tenant("other").await;
    let stranger = api.server.token_in("other", Role::Admin).await;
    let path = format!("/api/checkpoints/{id}");
    assert_eq!(send(api.request(Method::GET, &path), &viewer).await.0, 200);
    let restore = format!("{path}/restore");
    assert_eq!(send(api.request(Method::POST, &restore), &viewer).await.0, 200);
    let resume = api.request(Method::POST, &restore).json(&json!({"resume": true}));
    refused(resume, Some(&viewer), 403).await;
    refused(api.request(Method::DELETE, &path), Some(&viewer), 403).await;
    let problem = refused(api.request(Method::GET, &path), Some(&stranger), 404).await;
    assert_eq!(problem["detail"], json!(format!("Checkpoint {id} not found")));
    let (_, list) = send(api.request(Method::GET, "/api/checkpoints?job_id=j"), &stranger).await;
    assert_eq!(list["total"], 0);
    refused(api.request(Method::GET, &path), None, 401).await;
    let other = api.request(Method::GET, "/api/checkpoints?job_id=j").header("backstay-project", "other");
    assert_eq!(send(other, &api.token).await.1["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_cleaners_and_readers_get_along() {
    let api = std::sync::Arc::new(Api::start().await);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..60_usize {
        let api = std::sync::Arc::clone(&api);
        clients.spawn(async move {
            let job = format!("j{}", client % 3);
            for n in 0..10 {
                match client % 3 {
                    0 => drop(api.save(&job, "s", json!({"filler": "x".repeat(2000), "n": n})).await),
                    1 => {
                        let body = json!({"job_id": format!("j{}", n % 3), "keep_last": 5});
                        let (status, done) = api.post("/api/checkpoints/cleanup", body).await;
                        assert_eq!(status, 200, "{done}");
                    }
                    _ => {
                        let (status, list) = api.get("/api/checkpoints?job_id=j0&order=desc&limit=20").await;
                        assert_eq!(status, 200, "{list}");
                        for item in list["checkpoints"].as_array().unwrap() {
                            let id = item["checkpoint_id"].as_str().unwrap();
                            let (status, found) = api.get(&format!("/api/checkpoints/{id}")).await;
                            assert!(status == 200 || status == 404, "{status}: {found}");
                        }
                    }
                }
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    let (_, list) = api.get("/api/checkpoints?job_id=j0").await;
    assert_eq!(list["checkpoints"].as_array().unwrap().len() as u64, list["total"].as_u64().unwrap());
    let (_, done) = api.post("/api/checkpoints/cleanup", json!({"job_id": "j0", "keep_last": 1})).await;
    assert_eq!(done["kept_count"], 1, "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_forked_compared_and_looked_back_at() {
    let api = Api::start().await;
    let first = api.save("j", "a", json!({"list": [1, 2, 3], "x": {"y": 1}})).await;
    api.server.clock.advance(60);
    let second = api.save("j", "b", json!({"list": [0, 1, 2, 3], "x": {"y": 2}})).await;
    let (status, diff) = api.get(&format!("/api/v1/checkpoints/diff?from={first}&to={second}")).await;
    assert_eq!((status, &diff["identical"]), (200, &json!(false)), "{diff}");
    let wanted =
        json!([{"op": "add", "path": "/list/0", "value": 0}, {"op": "replace", "path": "/x/y", "value": 2}]);
    assert_eq!(diff["patch"], wanted);
    assert_eq!(diff["changes"][1]["old"], 1);
    let fork = json!({"checkpoint_id": first, "job_id": "j", "patch": diff["patch"]});
    let (status, forked) = api.post("/api/v1/checkpoints/fork", fork).await;
    assert_eq!((status, &forked["parent_id"]), (201, &json!(first)), "{forked}");
    let id = forked["checkpoint_id"].as_str().unwrap();
    let (_, same) = api.get(&format!("/api/v1/checkpoints/diff?from={second}&to={id}")).await;
    assert_eq!(same["identical"], true);
    let bad = json!({"checkpoint_id": first, "job_id": "j", "patch": [{"op": "remove", "path": "/none"}]});
    assert_eq!(api.post("/api/v1/checkpoints/fork", bad).await.0, 422);
    let (_, tree) = api.get("/api/v1/checkpoints/tree?job_id=j").await;
    let heads: Vec<_> = tree["nodes"].as_array().unwrap().iter().map(|node| node["head"].clone()).collect();
    assert_eq!(heads, [json!(false), json!(true), json!(true)]);
    let (_, at) = api.get("/api/v1/checkpoints/at?job_id=j&time=2026-01-03T10:15:40Z").await;
    assert_eq!(at["checkpoint_id"], json!(first));
    assert_eq!(api.get("/api/v1/checkpoints/at?job_id=j&time=2020-01-03T10:15:40Z").await.0, 404);
    let (_, history) = api.get("/api/v1/checkpoints/history?job_id=j&pointer=/x/y").await;
    let values: Vec<_> = history["values"].as_array().unwrap().iter().map(|v| v["value"].clone()).collect();
    assert_eq!(values, [json!(1), json!(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn held_and_pinned_ones_stay_and_policies_are_planned() {
    let api = Api::start().await;
    let admin = api.server.token(Role::Admin).await;
    let ids = api.save_steps("j", 6).await;
    let hold = || {
        api.request(Method::POST, "/api/v1/checkpoints/hold")
            .json(&json!({"checkpoint_id": ids[0], "reason": "audit"}))
    };
    refused(hold(), Some(&api.token), 403).await;
    assert_eq!(send(hold(), &admin).await.1["held"], true);
    let path = format!("/api/checkpoints/{}", ids[0]);
    let problem = refused(api.request(Method::DELETE, &path), Some(&admin), 409).await;
    assert_eq!(problem["code"], "held");
    api.post("/api/v1/checkpoints/pin", json!({"checkpoint_id": ids[1], "pinned": true})).await;
    let (status, plan) =
        api.post("/api/v1/jobs/retention/plan", json!({"job_id": "j", "retention": {"keep_last": 1}})).await;
    assert_eq!(status, 200, "{plan}");
    let reasons: Vec<_> =
        plan["keep"].as_array().unwrap().iter().map(|kept| kept["reason"].clone()).collect();
    assert_eq!(reasons, ["held", "pinned", "newest"].map(|reason| json!(reason)));
    assert_eq!(api.total("j").await, 6);
    let seventh = api.save("j", "step_6", json!({})).await;
    let body = json!({"job_id": "j", "plan_id": plan["plan_id"]});
    let (_, applied) = api.post("/api/v1/jobs/retention/apply", body).await;
    assert_eq!(applied["deleted"], json!(ids[2..5]), "nothing goes that was not shown");
    assert_eq!(api.get(&format!("/api/checkpoints/{seventh}")).await.0, 200);
    let policy = json!({"job_id": "j", "retention": {"keep_last": 1}});
    let set = || api.request(Method::PUT, "/api/v1/jobs/retention").json(&policy);
    refused(set(), Some(&api.token), 403).await;
    assert_eq!(send(set(), &admin).await.1["from"], "job");
    let (_, applied) = api.post("/api/v1/jobs/retention/apply", json!({"job_id": "j"})).await;
    assert_eq!(applied["deleted"], json!([ids[5]]));
    let bad =
        api.request(Method::PUT, "/api/v1/jobs/retention").json(&json!({"retention": {"keep_last": 0}}));
    refused(bad, Some(&admin), 422).await;
    let (_, jobs) = api.get("/api/v1/jobs").await;
    assert_eq!((&jobs["total"], &jobs["jobs"][0]["checkpoints"]), (&json!(1), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_time_goes() {
    let api = Api::start().await;
    let body = json!({"job_id": "j", "step_name": "s", "state": {}, "ttl_s": 60});
    for _ in 0..3 {
        assert_eq!(api.post("/api/checkpoints", body.clone()).await.0, 201);
    }
    api.server.service.tidy().await.unwrap();
    assert_eq!(api.total("j").await, 3);
    api.server.clock.advance(61);
    api.server.service.tidy().await.unwrap();
    assert_eq!(api.total("j").await, 1, "the last good one stays");
}
