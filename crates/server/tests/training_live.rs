//! Control and telemetry of runs over REST, with the real trainer.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use backstay_model::Role;
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

/// A run that trains for as long as the test wants.
fn new_run(name: &str) -> Value {
    json!({
        "name": name,
        "data": {"generator": "spiral", "params": {"n_per_spiral": 60, "noise": 0.3}},
        "params": {
            "output_epochs": 30, "candidate_epochs": 40, "candidate_pool_size": 8, "threads": 1,
            "max_hidden_units": 1000, "max_rounds": 1_000_000, "patience": 1_000_000,
            "correlation_threshold": 0, "target_accuracy": 1,
        },
        "auto": {"each_round": false, "on_complete": false},
    })
}

async fn get(server: &TestServer, token: &str, path: &str) -> Value {
    let (status, body) = send(server.request(Method::GET, path), token).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn post(server: &TestServer, token: &str, path: &str) -> Value {
    let (status, body) = send(server.request(Method::POST, path), token).await;
    assert!(status.is_success(), "{path}: {status}: {body}");
    body
}

async fn made(server: &TestServer, token: &str, name: &str) -> String {
    let request = server.request(Method::POST, "/api/v1/training/runs").json(&new_run(name));
    let (status, run) = send(request, token).await;
    assert_eq!(status, 201, "{run}");
    run["run_id"].as_str().unwrap().to_owned()
}

/// Waits until the run has more epochs than `epoch`.
async fn trained_beyond(server: &TestServer, token: &str, epoch: u64) -> u64 {
    for _ in 0..100_000 {
        let now = get(server, token, "/api/metrics").await["current_epoch"].as_u64().unwrap();
        if now > epoch {
            return now;
        }
    }
    panic!("it does not train");
}

fn keys(of: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = of.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn a_run_is_controlled_and_told_of_in_the_documented_shapes() {
    let server = TestServer::start().await;
    let (operator, viewer) = (server.token(Role::Operator).await, server.token(Role::Viewer).await);
    let id = made(&server, &operator, "spirals").await;

    let started = post(&server, &operator, "/api/train/start").await;
    let mut wanted = vec![
        "changed",
        "current_accuracy",
        "current_epoch",
        "current_loss",
        "fsm_status",
        "hidden_units",
        "is_paused",
        "is_running",
        "message",
        "metrics_count",
        "status",
    ];
    wanted.sort_unstable();
    assert_eq!(keys(&started), wanted);
    assert_eq!((&started["status"], &started["fsm_status"]), (&json!("started"), &json!("STARTED")));
    trained_beyond(&server, &viewer, 100).await;
    let again = post(&server, &operator, "/api/train/start").await;
    assert_eq!((&again["status"], &again["changed"]), (&json!("started"), &json!(false)));
    assert_eq!(again["message"], "Training is already running");

    let paused = post(&server, &operator, "/api/train/pause").await;
    assert_eq!((&paused["status"], &paused["is_paused"]), (&json!("paused"), &json!(true)));
    let resumed = post(&server, &operator, "/api/train/resume").await;
    assert_eq!((&resumed["status"], &resumed["is_running"]), (&json!("running"), &json!(true)));
    let stopped = post(&server, &operator, "/api/train/stop").await;
    let epoch = stopped["current_epoch"].as_u64().unwrap();
    for _ in 0..20 {
        let metrics = get(&server, &viewer, "/api/metrics").await;
        assert_eq!(metrics["current_epoch"], epoch, "no epoch comes after a stop");
    }

    let state = get(&server, &viewer, "/api/state").await;
    for field in [
        "status",
        "phase",
        "learning_rate",
        "max_hidden_units",
        "max_epochs",
        "current_epoch",
        "current_step",
        "network_name",
        "dataset_name",
        "threshold_function",
        "optimizer_name",
        "timestamp",
        "candidate_pool_status",
        "candidate_pool_phase",
        "candidate_pool_size",
        "top_candidate_id",
        "top_candidate_score",
        "second_candidate_id",
        "second_candidate_score",
        "pool_metrics",
    ] {
        assert!(state.get(field).is_some(), "{field}: {state}");
    }
    assert!(state["timestamp"].is_f64());
    assert_eq!((&state["status"], &state["network_name"]), (&json!("Stopped"), &json!("spirals")));
    let status = get(&server, &viewer, &format!("/api/status?run={id}")).await;
    assert_eq!((&status["fsm_status"], &status["input_size"]), (&json!("STOPPED"), &json!(2)));
    assert_eq!((&status["activation_fn"], &status["optimizer"]), (&json!("tanh"), &json!("adam")));
    assert!(status.get("backend").is_none());
    assert_eq!(get(&server, &viewer, "/api/train/status?run=spirals").await["backend"], "service");

    let history = get(&server, &viewer, "/api/metrics/history?limit=7").await;
    let rows = history["history"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[6]["epoch"]), (7, &json!(epoch)));
    assert_eq!(keys(&rows[6]), ["epoch", "metrics", "network_topology", "phase", "timestamp"]);
    assert_eq!(keys(&rows[6]["metrics"]), ["accuracy", "correlation", "loss", "val_accuracy", "val_loss"]);
    let unreadable = get(&server, &viewer, "/api/metrics/history?limit=many").await;
    assert_eq!(unreadable["history"].as_array().unwrap().len(), 100);

    let topology = get(&server, &viewer, "/api/topology").await;
    let units = topology["hidden_units"].as_u64().unwrap();
    assert!(units >= 1, "{units}");
    assert_eq!(topology["nodes"][0], json!({"id": "input_0", "type": "input", "layer": 0}));
    let data = get(&server, &viewer, "/api/dataset").await;
    assert_eq!((&data["num_samples"], &data["num_classes"]), (&json!(120), &json!(2)));
    let boundary = get(&server, &viewer, "/api/decision_boundary?resolution=5").await;
    assert_eq!(boundary["z"].as_array().unwrap().len(), 5);
    refused(server.request(Method::GET, "/api/decision_boundary?resolution=4"), Some(&viewer), 422).await;
    let statistics = get(&server, &viewer, "/api/network/stats").await;
    let edges = topology["connections"].as_array().unwrap().len();
    assert_eq!(statistics["total_edges"], edges);
    assert_eq!(statistics["weight_statistics"]["total_weights"], edges);
    let health = server.request(Method::GET, "/health").send().await.unwrap();
    let health: Value = health.json().await.unwrap();
    assert_eq!((&health["status"], &health["training_active"]), (&json!("healthy"), &json!(false)));

    let reset = post(&server, &operator, "/api/train/reset").await;
    assert_eq!((&reset["status"], &reset["current_epoch"]), (&json!("reset"), &json!(0)));
}

#[tokio::test]
async fn runs_are_listed_shown_and_removed() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let empty = refused(server.request(Method::GET, "/api/state"), Some(&operator), 503).await;
    assert_eq!(empty["error"], "There is no run");
    let first = made(&server, &operator, "first").await;
    server.clock.advance(1);
    let second = made(&server, &operator, "second").await;
    assert_eq!(get(&server, &operator, "/api/state").await["network_name"], "second");
    let listed = get(&server, &operator, "/api/v1/training/runs").await;
    let ids: Vec<_> = listed["runs"].as_array().unwrap().iter().map(|run| run["run_id"].clone()).collect();
    assert_eq!((ids, &listed["total"]), (vec![json!(first), json!(second)], &json!(2)));
    let run = get(&server, &operator, "/api/v1/training/runs/first").await;
    assert_eq!(
        (&run["status"], &run["epoch"], &run["trainer"]),
        (&json!("Stopped"), &json!(0), &json!("builtin"))
    );
    assert_eq!((&run["params"]["output_epochs"], &run["lost"]), (&json!(30), &json!(false)));

    let taken = server.request(Method::POST, "/api/v1/training/runs").json(&new_run("first"));
    refused(taken, Some(&operator), 409).await;
    for bad in [
        json!({"name": ""}),
        json!({"name": "x", "params": {"learning_rate": -5}}),
        json!({"name": "x", "data": {"generator": "moons"}}),
        json!({"name": "x", "data": {"generator": "xor", "train_x": [[1]], "train_y": [[1]]}}),
        json!({"name": "x", "data": {"train_x": [[1], [2]], "train_y": [[1]]}}),
        json!({"name": "x", "speed": 1}),
    ] {
        refused(server.request(Method::POST, "/api/v1/training/runs").json(&bad), Some(&operator), 422).await;
    }
    let given = json!({"name": "given", "data": {"train_x": [[0, 1], [1, 1]], "train_y": [[0], [1]]}});
    let (status, _) =
        send(server.request(Method::POST, "/api/v1/training/runs").json(&given), &operator).await;
    assert_eq!(status, 201);

    let path = format!("/api/v1/training/runs/{first}");
    let (status, _) = send(server.request(Method::DELETE, &path), &operator).await;
    assert_eq!(status, 204);
    refused(server.request(Method::GET, &path), Some(&operator), 404).await;
}

#[tokio::test]
async fn parameters_out_of_bounds_are_refused_and_others_recorded() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    made(&server, &operator, "set").await;
    let body = |text: &'static str| {
        let request = server.request(Method::POST, "/api/set_params");
        request.header("content-type", "application/json").body(text)
    };
    for bad in [
        r#"{"learning_rate": -5}"#,
        r#"{"learning_rate": "x"}"#,
        r#"{"learning_rate": NaN}"#,
        r#"{"learning_rate": "NaN"}"#,
        r#"{"speed": 1}"#,
        "[]",
    ] {
        let problem = refused(body(bad), Some(&operator), 422).await;
        assert!(!problem["errors"].as_array().unwrap().is_empty(), "{problem}");
    }
    assert_eq!(refused(body("{}"), Some(&operator), 400).await["error"], "No parameters are given");
    let (status, set) = send(body(r#"{"learning_rate": 0.5, "max_epochs": 50}"#), &operator).await;
    assert_eq!((status.as_u16(), &set["status"]), (200, &json!("success")));
    assert_eq!((&set["state"]["learning_rate"], &set["state"]["max_epochs"]), (&json!(0.5), &json!(50)));
    let history = get(&server, &operator, "/api/v1/training/runs/set/params/history").await;
    let first = &history["history"][0];
    assert_eq!((&first["epoch"], &first["name"]), (&json!(0), &json!("learning_rate")));
    assert_eq!((&first["old"], &first["new"]), (&json!(0.01), &json!(0.5)));
}

#[tokio::test]
async fn a_live_run_is_saved_and_taken_back_over_the_resource_of_snapshots() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    made(&server, &operator, "live").await;
    post(&server, &operator, "/api/train/start").await;
    trained_beyond(&server, &operator, 50).await;
    let saved = post(&server, &operator, "/api/v1/snapshots?name=a").await;
    assert_eq!(
        (&saved["id"], &saved["kind"], &saved["state"]),
        (&json!("a"), &json!("training"), &json!("ready"))
    );
    assert_eq!(saved["message"], "Snapshot created successfully");
    let epoch = saved["epoch"].as_u64().unwrap();
    assert!(epoch >= 50);
    let again = server.request(Method::POST, "/api/v1/snapshots?name=a&run=live");
    let problem = refused(again, Some(&operator), 409).await;
    assert_eq!(problem["detail"], "Snapshot 'a' already exists");

    let restore = || server.request(Method::POST, "/api/v1/snapshots/a/restore");
    let problem = refused(restore(), Some(&operator), 409).await;
    assert_eq!(
        problem["detail"],
        "Cannot restore while training is running. Please pause or stop training first."
    );
    post(&server, &operator, "/api/train/pause").await;
    let left = get(&server, &operator, "/api/metrics").await["current_epoch"].as_u64().unwrap();
    let (status, done) = send(restore(), &operator).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(
        (&done["status"], &done["message"]),
        (&json!("success"), &json!("Restored from snapshot 'a'"))
    );
    assert_eq!((&done["current_epoch"], &done["training_status"]), (&json!(epoch), &json!("Paused")));
    assert_eq!(get(&server, &operator, "/api/state").await["current_epoch"], epoch);
    if left > epoch {
        let safety = done["safety_snapshot_id"].as_str().unwrap();
        let shown = get(&server, &operator, &format!("/api/v1/snapshots/{safety}")).await;
        assert_eq!((&shown["trigger"], &shown["epoch"]), (&json!("safety"), &json!(left)));
    }
    let resumed = post(&server, &operator, "/api/train/resume").await;
    assert!(resumed["current_epoch"].as_u64().unwrap() >= epoch);
    trained_beyond(&server, &operator, left).await;
    let history = get(&server, &operator, "/api/v1/snapshots/history?action=restore").await;
    assert_eq!(history["history"][0]["snapshot_id"], "a");
}

#[tokio::test]
async fn after_a_restart_a_run_stands_stopped_where_it_was() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    made(&server, &operator, "kept").await;
    post(&server, &operator, "/api/train/start").await;
    let before = trained_beyond(&server, &operator, 50).await;
    let server = server.restart().await;
    let state = get(&server, &operator, "/api/state").await;
    assert_eq!((&state["status"], &state["network_name"]), (&json!("Stopped"), &json!("kept")));
    let epoch = state["current_epoch"].as_u64().unwrap();
    assert!(epoch >= before, "{epoch} is less than {before}");
    let started = post(&server, &operator, "/api/train/start").await;
    assert!(started["current_epoch"].as_u64().unwrap() >= epoch);
}
