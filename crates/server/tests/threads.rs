//! Typed checkpoints.

mod support;

use backstay_model::Role;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, send};

struct Threads {
    server: TestServer,
    token: String,
}

fn bytes(text: &[u8]) -> String {
    STANDARD.encode(text)
}

fn key(thread: &str, id: &str) -> Value {
    json!({"thread_id": thread, "checkpoint_ns": "", "checkpoint_id": id})
}

impl Threads {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let token = server.token(Role::Operator).await;
        Self { server, token }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.server.request(method, &format!("/api/v1/threads{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let (status, body) = send(request, &self.token).await;
        (status.as_u16(), body)
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    async fn put(
        &self,
        thread: &str,
        id: &str,
        parent: Option<&str>,
        changed: Value,
        keep: &[&str],
    ) -> (u16, Value) {
        let body = json!({
            "key": key(thread, id), "parent": parent, "head": {"type": "msgpack", "data": bytes(id.as_bytes())},
            "metadata": {"source": "loop", "step": 1, "run_id": "run-1", "a": {"b": 2, "c": 3}},
            "changed": changed, "keep": keep,
        });
        self.post("/checkpoints", body).await
    }

    async fn tuple(&self, thread: &str, id: &str) -> Value {
        self.get(&format!("/tuple?thread_id={thread}&checkpoint_id={id}")).await.1
    }
}

fn channel(version: &Value, data: &[u8]) -> Value {
    json!({"version": version, "type": "msgpack", "data": bytes(data)})
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_sent_and_everything_comes_back() {
    let api = Threads::start().await;
    let large: Vec<u8> = (0..50_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let all = json!({"a": channel(&json!(1), b"small"), "b": channel(&json!("v.0"), &large), "c": channel(&json!(1.0), b"")});
    let (status, done) = api.put("t/../x", "01", None, all, &[]).await;
    assert_eq!((status, &done["replaced"], &done["sequence"]), (201, &json!(false), &json!(1)), "{done}");
    let mut changed = large.clone();
    changed[777] ^= 1;
    api.put("t/../x", "02", Some("01"), json!({"b": channel(&json!("v.1"), &changed)}), &["a", "c"]).await;
    let (status, problem) = api.put("t/../x", "03", Some("02"), json!({}), &["a", "zz"]).await;
    assert_eq!((status, &problem["missing_channels"]), (409, &json!(["zz"])), "{problem}");
    let (status, problem) = api.put("t/../x", "03", Some("none"), json!({}), &["a"]).await;
    assert_eq!((status, &problem["code"]), (409, &json!("missing_channels")));

    let latest = api.get("/tuple?thread_id=t%2F..%2Fx").await.1;
    assert_eq!(
        (&latest["key"]["checkpoint_id"], &latest["parent"]),
        (&json!("02"), &json!("01")),
        "{latest:.200}"
    );
    assert_eq!(latest["channels"]["b"]["data"], json!(bytes(&changed)));
    assert_eq!(latest["channels"]["b"]["version"], json!("v.1"));
    assert_eq!(
        (&latest["channels"]["a"]["version"], &latest["channels"]["a"]["data"]),
        (&json!(1), &json!(bytes(b"small")))
    );
    assert!(latest["channels"]["c"]["version"].is_f64());
    let first = api.tuple("t%2F..%2Fx", "01").await;
    assert_eq!(first["channels"]["b"]["data"], json!(bytes(&large)));
    assert_eq!(first["metadata"]["a"], json!({"b": 2, "c": 3}));
    assert_eq!(api.get("/tuple?thread_id=none").await.0, 404);

    let (status, done) = api.put("t/../x", "01", None, json!({"b": channel(&json!(9), &large)}), &[]).await;
    assert_eq!((status, &done["replaced"]), (201, &json!(true)));
    assert_eq!(api.tuple("t%2F..%2Fx", "01").await["channels"].as_object().unwrap().len(), 1);
    assert_eq!(api.tuple("t%2F..%2Fx", "02").await["channels"]["b"]["data"], json!(bytes(&changed)));
    // The thread is a job too.
    let list = api.server.request(Method::GET, "/api/checkpoints?job_id=t%2F..%2Fx");
    let list = send(list, &api.token).await.1;
    assert_eq!((&list["total"], &list["checkpoints"][0]["form"]), (&json!(2), &json!("typed")), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_forks_of_one_version_keep_their_own_values() {
    let api = Threads::start().await;
    let value = |byte: u8| channel(&json!(2), &vec![byte; 500]);
    api.put("t", "1", None, json!({"x": channel(&json!(1), &[0; 500])}), &[]).await;
    api.put("t", "2a", Some("1"), json!({"x": value(1)}), &[]).await;
    api.put("t", "2b", Some("1"), json!({"x": value(2)}), &[]).await;
    assert_eq!(api.tuple("t", "2a").await["channels"]["x"]["data"], json!(bytes(&[1; 500])));
    assert_eq!(api.tuple("t", "2b").await["channels"]["x"]["data"], json!(bytes(&[2; 500])));
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_may_come_first_and_have_an_order() {
    let api = Threads::start().await;
    let write =
        |idx: i64, data: &[u8]| json!({"idx": idx, "channel": "out", "type": "msgpack", "data": bytes(data)});
    let body = |task: &str, writes: Value| json!({"key": key("t", "1"), "task_id": task, "task_path": format!("~{task}"), "writes": writes});
    assert_eq!(
        api.post("/writes", body("b", json!([write(0, b"b0"), write(1, b"b1")]))).await.1["stored"],
        2
    );
    api.post("/writes", body("a", json!([write(0, b"a0")]))).await;
    api.post("/writes", body("a", json!([write(0, b"other")]))).await;
    api.post("/writes", body("a", json!([write(-1, b"e1")]))).await;
    api.post("/writes", body("a", json!([write(-1, b"e2")]))).await;
    assert_eq!(api.get("/tuple?thread_id=t").await.0, 404);
    api.put("t", "1", None, json!({}), &[]).await;
    let writes = api.tuple("t", "1").await["writes"].clone();
    let shown: Vec<_> =
        writes.as_array().unwrap().iter().map(|w| (w["idx"].clone(), w["data"].clone())).collect();
    let wanted = [(-1, b"e2"), (0, b"a0"), (0, b"b0"), (1, b"b1")];
    assert_eq!(shown, wanted.map(|(idx, data)| (json!(idx), json!(bytes(data)))));
    let request =
        || api.server.request(Method::GET, "/api/v1/threads/tuple?thread_id=t").bearer_auth(&api.token);
    let tag = request().send().await.unwrap().headers()["etag"].clone();
    let again = tag.clone();
    let known = || request().header("if-none-match", again.clone()).send();
    assert_eq!(known().await.unwrap().status(), 304);
    let tag = tag.to_str().unwrap().to_owned();
    for list in [format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        assert_eq!(request().header("if-none-match", &list).send().await.unwrap().status(), 304, "{list}");
    }
    for list in [tag.trim_matches('"'), "\"other\"", ""] {
        assert_eq!(request().header("if-none-match", list).send().await.unwrap().status(), 200, "{list}");
    }
    api.post("/writes", body("c", json!([write(0, b"c0")]))).await;
    assert_eq!(known().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged() {
    let api = Threads::start().await;
    for (thread, id) in [("t1", "a"), ("t1", "c"), ("t2", "b"), ("t2", "c"), ("t1", "d")] {
        assert_eq!(api.put(thread, id, None, json!({}), &[]).await.0, 201);
    }
    let ids = |page: &Value| -> Vec<String> {
        page["checkpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["key"]["checkpoint_id"].as_str().unwrap().into())
            .collect()
    };
    assert_eq!(ids(&api.get("/checkpoints?thread_id=t1").await.1), ["d", "c", "a"]);
    assert_eq!(ids(&api.get("/checkpoints?thread_id=t1&before=d&limit=1").await.1), ["c"]);
    let mut all = Vec::new();
    let mut path = "/checkpoints?limit=2".to_owned();
    loop {
        let (status, page) = api.get(&path).await;
        assert_eq!(status, 200, "{page}");
        all.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/checkpoints?limit=2&cursor={next}");
    }
    assert_eq!(all, ["d", "c", "c", "b", "a"]);
    let filtered = api.get("/checkpoints?filter=%7B%22a%22%3A%7B%22b%22%3A2%7D%7D").await.1;
    assert_eq!(ids(&filtered).len(), 5);
    assert!(ids(&api.get("/checkpoints?filter=%7B%22step%22%3A2%7D").await.1).is_empty());
    assert_eq!(api.get("/checkpoints?filter=5").await.0, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_histories_survive_pruning_copying_and_forking() {
    let api = Threads::start().await;
    for n in 0..16_u32 {
        let id = format!("{n:02}");
        let parent = n.checked_sub(1).map(|n| format!("{n:02}"));
        let changed = if n % 10 == 0 {
            json!({"log": {"version": n, "type": "msgpack", "data": bytes(format!("snapshot {n}").as_bytes()), "delta_snapshot": true}})
        } else {
            json!({"log": {"version": n, "type": "empty", "data": ""}})
        };
        assert_eq!(api.put("t", &id, parent.as_deref(), changed, &[]).await.0, 201);
        let write = json!({"idx": 0, "channel": "log", "type": "msgpack", "data": bytes(&[n as u8])});
        api.post("/writes", json!({"key": key("t", &id), "task_id": "k", "writes": [write]})).await;
    }
    let history = |thread: &'static str| {
        api.post("/delta-history", json!({"key": {"thread_id": thread}, "channels": ["log"]}))
    };
    let (status, whole) = history("t").await;
    assert_eq!(status, 200, "{whole}");
    let log = &whole["channels"]["log"];
    assert_eq!(log["seed"]["data"], json!(bytes(b"snapshot 10")));
    let writes: Vec<_> = log["writes"].as_array().unwrap().iter().map(|w| w["data"].clone()).collect();
    assert_eq!(writes, (10..15_u8).map(|n| json!(bytes(&[n]))).collect::<Vec<_>>());

    let prune = |force: bool| json!({"thread_ids": ["t"], "strategy": "keep_latest", "force": force});
    let dry =
        api.post("/prune", json!({"thread_ids": ["t"], "strategy": "keep_latest", "dry_run": true})).await.1;
    let (_, done) = api.post("/prune", prune(false)).await;
    let numbers = |answer: &Value| ["deleted", "kept", "carriers"].map(|name| answer[name].clone());
    assert_eq!(numbers(&done), [json!(15), json!(1), json!(5)], "{done}");
    assert_eq!(numbers(&dry), numbers(&done));
    assert_eq!(history("t").await.1, whole);
    assert_eq!(api.get("/checkpoints?thread_id=t").await.1["checkpoints"].as_array().unwrap().len(), 1);
    assert_eq!(api.get("/tuple?thread_id=t&checkpoint_id=12").await.0, 404);
    let (status, copied) = api.post("/copy", json!({"from": "t", "to": "copy"})).await;
    assert_eq!(
        (status, &copied["checkpoints"], &copied["carriers"]),
        (200, &json!(1), &json!(5)),
        "{copied}"
    );
    assert_eq!(history("copy").await.1, whole);
    assert_eq!(api.post("/copy", json!({"from": "t", "to": "copy"})).await.0, 409);
    let (status, _) = api.post("/fork", json!({"from": {"thread_id": "t"}, "to": "fork"})).await;
    assert_eq!((status, history("fork").await.1), (200, whole));
    api.post("/prune", prune(true)).await;
    let (status, cut) = history("t").await;
    assert_eq!((status, &cut["detail"]), (409, &json!("History of channel log is incomplete")));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_and_threads_are_removed() {
    let api = Threads::start().await;
    for id in ["1", "2", "3"] {
        let parent = id.parse::<u32>().unwrap().checked_sub(1).filter(|n| *n > 0).map(|n| n.to_string());
        api.put("t", id, parent.as_deref(), json!({"x": channel(&json!(1), &[7; 3000])}), &[]).await;
    }
    let (_, removed) = api.call(Method::DELETE, "?thread_id=none", None).await;
    assert_eq!(removed["deleted"], 0);
    let (_, removed) = api.post("/delete-runs", json!({"run_ids": ["run-2"]})).await;
    assert_eq!(removed["deleted"], 0);
    let (_, removed) = api.post("/delete-runs", json!({"run_ids": ["run-1"], "dry_run": true})).await;
    assert_eq!(removed["deleted"], 3, "{removed}");
    assert_eq!(api.tuple("t", "2").await["channels"]["x"]["data"], json!(bytes(&[7; 3000])));
    let (_, removed) = api.call(Method::DELETE, "?thread_id=t", None).await;
    assert_eq!(removed["deleted"], 3, "{removed}");
    assert_eq!(api.get("/tuple?thread_id=t").await.0, 404);
    assert_eq!(api.put("t", "1", None, json!({}), &[]).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_skips_the_rest_of_a_failed_thread() {
    let api = Threads::start().await;
    let put = |thread: &str, id: &str, keep: Value| json!({"op": "put", "key": key(thread, id), "head": {"type": "x", "data": ""}, "keep": keep});
    let operations = json!([
        put("a", "1", json!([])),
        put("a", "2", json!(["no"])),
        put("a", "3", json!([])),
        put("b", "1", json!([]))
    ]);
    let (status, done) = api.post("/batch", json!({"operations": operations})).await;
    let statuses: Vec<_> = done["results"].as_array().unwrap().iter().map(|r| r["status"].clone()).collect();
    assert_eq!((status, statuses), (200, vec![json!(201), json!(409), json!(424), json!(201)]), "{done}");
    assert_eq!(done["results"][2]["skipped"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn msgpack_carries_bytes_as_they_are() {
    let api = Threads::start().await;
    api.put("t", "1", None, json!({"x": channel(&json!(1), b"\x00\xff")}), &[]).await;
    let request =
        api.server.request(Method::GET, "/api/v1/threads/tuple?thread_id=t").bearer_auth(&api.token);
    let answer = request.header("accept", "application/msgpack").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/msgpack");
    let packed = answer.bytes().await.unwrap();
    assert!(packed.windows(4).any(|part| part == b"\xc4\x02\x00\xff"), "bytes lie in it as `bin`");
    let tuple: backstay_api::thread::ThreadTuple = rmp_serde::from_slice(&packed).unwrap();
    let new = backstay_api::thread::NewThreadCheckpoint {
        key: backstay_api::thread::ThreadKey { checkpoint_id: Some("2".into()), ..tuple.key },
        parent: Some("1".into()),
        head: tuple.head,
        metadata: serde_json::Map::new(),
        changed: std::collections::BTreeMap::new(),
        keep: vec!["x".into()],
    };
    let body = rmp_serde::to_vec_named(&new).unwrap();
    let request = api.server.request(Method::POST, "/api/v1/threads/checkpoints").bearer_auth(&api.token);
    let answer = request.header("content-type", "application/msgpack").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    assert_eq!(api.tuple("t", "2").await["channels"]["x"]["data"], json!(bytes(b"\x00\xff")));
}

#[tokio::test(flavor = "multi_thread")]
async fn cleaning_a_thread_as_a_job_keeps_what_its_history_needs() {
    let api = Threads::start().await;
    for n in 0..8_u32 {
        let id = format!("{n:02}");
        let parent = n.checked_sub(1).map(|n| format!("{n:02}"));
        let log = if n == 2 {
            json!({"version": n, "type": "msgpack", "data": bytes(&[7; 2000]), "delta_snapshot": true})
        } else {
            json!({"version": n, "type": "empty", "data": ""})
        };
        let other = channel(&json!(n), &vec![n as u8; 3000]);
        api.put("t", &id, parent.as_deref(), json!({"log": log, "x": other}), &[]).await;
        let write = json!({"idx": 0, "channel": "log", "type": "msgpack", "data": bytes(&[n as u8])});
        api.post("/writes", json!({"key": key("t", &id), "task_id": "k", "writes": [write]})).await;
    }
    let history = || api.post("/delta-history", json!({"key": {"thread_id": "t"}, "channels": ["log"]}));
    let whole = history().await;
    assert_eq!(whole.0, 200);
    let list = || async {
        let list = api.server.request(Method::GET, "/api/checkpoints?job_id=t");
        send(list, &api.token).await.1
    };
    // One by one, and all but the newest.
    let id = list().await["checkpoints"][4]["checkpoint_id"].as_str().unwrap().to_owned();
    let delete = api.server.request(Method::DELETE, &format!("/api/checkpoints/{id}"));
    assert_eq!(send(delete, &api.token).await.0, 204);
    assert_eq!(history().await, whole);
    let clean = api.server.request(Method::POST, "/api/checkpoints/cleanup");
    let (_, cleaned) = send(clean.json(&json!({"job_id": "t", "keep_last": 1})), &api.token).await;
    assert_eq!((&cleaned["deleted_count"], &cleaned["kept_count"]), (&json!(6), &json!(1)), "{cleaned}");
    assert_eq!(list().await["total"], 1);
    assert_eq!(history().await, whole);
    assert_eq!(api.tuple("t", "07").await["channels"]["x"]["data"], json!(bytes(&[7; 3000])));
    // Once the history begins anew, nothing older is carried any more.
    let log = json!({"version": 8, "type": "msgpack", "data": bytes(b"new"), "delta_snapshot": true});
    api.put("t", "08", Some("07"), json!({"log": log}), &[]).await;
    let prune = json!({"thread_ids": ["t"], "strategy": "keep_latest"});
    let (_, done) = api.post("/prune", prune).await;
    assert_eq!(
        (&done["deleted"], &done["kept"], &done["carriers"]),
        (&json!(1), &json!(1), &json!(0)),
        "{done}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_checkpoint_keeps_its_pin() {
    let api = Threads::start().await;
    api.put("t", "1", None, json!({}), &[]).await;
    let id = api.tuple("t", "1").await["id"].as_str().unwrap().to_owned();
    let pin = api.server.request(Method::POST, "/api/v1/checkpoints/pin");
    let pin = pin.json(&json!({"checkpoint_id": id, "pinned": true}));
    assert_eq!(send(pin, &api.token).await.1["pinned"], true);
    assert_eq!(api.put("t", "1", None, json!({}), &[]).await.1["replaced"], true);
    let list = api.server.request(Method::GET, "/api/checkpoints?job_id=t");
    assert_eq!(send(list, &api.token).await.1["checkpoints"][0]["pinned"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_have_bounds_and_become_nothing_else() {
    let api = Threads::start().await;
    let put = |key: Value| {
        api.post(
            "/checkpoints",
            json!({"key": key, "head": {"type": "x", "data": ""}, "metadata": {}, "changed": {}, "keep": []}),
        )
    };
    for thread in ["../../etc/passwd", "a/b", "\u{1f600} %2e%2e", "'; DROP TABLE jobs; --"] {
        let key = json!({"thread_id": thread, "checkpoint_ns": "a|b:../c", "checkpoint_id": "../1"});
        let (status, done) = put(key).await;
        assert_eq!((status, &done["checkpoint_id"]), (201, &json!("../1")), "{done}");
    }
    for (field, key) in [
        ("thread_id", json!({"thread_id": "x".repeat(600), "checkpoint_id": "1"})),
        ("thread_id", json!({"thread_id": "", "checkpoint_id": "1"})),
        ("checkpoint_ns", json!({"thread_id": "t", "checkpoint_ns": "x".repeat(2049), "checkpoint_id": "1"})),
        ("checkpoint_id", json!({"thread_id": "t", "checkpoint_id": "x".repeat(513)})),
        ("checkpoint_id", json!({"thread_id": "t"})),
    ] {
        let (status, problem) = put(key).await;
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem}");
    }
    let large = json!({"x": channel(&json!(1), &[])});
    let mut channels = serde_json::Map::new();
    for n in 0..10_001 {
        channels.insert(format!("c{n}"), large["x"].clone());
    }
    let (status, problem) = api.put("t", "1", None, Value::Object(channels), &[]).await;
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("changed")), "{problem:.300}");
}
