//! The WebSockets of training, on real sockets.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use backstay_model::Role;
use backstay_server::ServerSettings;
use backstay_service::view::{AutoSnapshot, NewBuiltinRun};
use backstay_service::{CommandChannel, view::TrainingCommand};
use reqwest::Method;
use serde_json::{Value, json};
use support::sockets::Client;
use support::{NARROW, TestServer, send};

/// Makes a run, of two spirals that are not learned soon.
async fn made(server: &TestServer, tenant: &str, name: &str) -> String {
    let params = json!({
        "output_epochs": 30, "candidate_epochs": 40, "candidate_pool_size": 8, "threads": 1,
        "max_hidden_units": 1000, "max_rounds": 1_000_000, "patience": 1_000_000, "correlation_threshold": 0,
        "target_accuracy": 1,
    });
    let quiet = AutoSnapshot { each_round: false, on_complete: false, ..AutoSnapshot::default() };
    let new = NewBuiltinRun {
        name: name.to_owned(),
        params: params.as_object().unwrap().clone(),
        auto: Some(quiet),
        ..NewBuiltinRun::default()
    };
    server.service.create_builtin_run(&TestServer::local(tenant), new).await.unwrap().id.into()
}

fn is_event(frame: &Value, event_type: &str) -> bool {
    frame["type"] == "event" && frame["data"]["event_type"] == event_type
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["type"].as_str().unwrap_or("answer")).collect()
}

#[tokio::test]
async fn three_sockets_tell_the_same_in_the_same_order() {
    let server = TestServer::start().await;
    let run = made(&server, "default", "told").await;
    let operator = server.token(Role::Operator).await;
    let mut training = Client::with_token(&server, "/ws/training", &operator).await;
    let mut control = Client::with_token(&server, "/ws/control", &operator).await;
    let mut frames = Client::with_token(&server, "/ws", &operator).await;
    let greeting = [training.next().await, control.next().await, frames.next().await];
    for first in &greeting {
        assert_eq!(first["type"], "connection_established");
        assert!(first["client_id"].is_string() && first["server_time"].is_f64(), "{first}");
    }
    let (status, state) = (training.next().await, training.next().await);
    assert_eq!((&status["type"], &state["type"]), (&json!("initial_status"), &json!("state")));
    assert_eq!(
        (&status["data"]["fsm_status"], &state["data"]["status"]),
        (&json!("STOPPED"), &json!("Stopped"))
    );
    assert_eq!(state["data"]["run_id"], json!(run));

    let request = server.request(Method::POST, "/api/v1/snapshots?name=a");
    let (status, saved) = send(request, &operator).await;
    assert_eq!(status, 201, "{saved}");
    let created = [training.next().await, control.next().await, frames.next().await];
    let details = &created[0]["data"]["details"];
    assert!(is_event(&created[0], "snapshot_created"), "{}", created[0]);
    assert_eq!((&details["snapshot_id"], &details["name"]), (&json!("a"), &json!("a")));
    assert_eq!((&details["epoch"], &details["trigger"]), (&json!(0), &json!("manual")));
    assert!(created[0] == created[1] && created[1] == created[2]);
    let started = server.request(Method::POST, "/api/train/start");
    send(started, &operator).await;
    let last = |frame: &Value| {
        frame["type"] == "metrics" && frame["data"]["network_topology"]["hidden_units"].as_u64() > Some(1)
    };
    let told = [training.until(last).await, control.until(last).await, frames.until(last).await];
    assert!(told[0] == told[1] && told[1] == told[2]);
    let told = &told[0];
    let acked = told.iter().find(|frame| frame["type"] == "control_ack").unwrap();
    assert_eq!((&acked["data"]["command"], &acked["data"]["success"]), (&json!("start"), &json!(true)));
    for kind in ["state", "metrics", "topology"] {
        assert!(types(told).contains(&kind), "{kind}");
    }
    let numbers: Vec<_> = told.iter().map(|frame| frame["data"]["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");

    // Who comes back asks for what it missed.
    let after = format!("/ws?after={}", numbers[0]);
    let mut back = Client::with_token(&server, &after, &operator).await;
    back.next().await;
    assert_eq!(back.next().await, told[1]);
    let statistics = send(server.request(Method::GET, "/api/statistics"), &operator).await.1;
    assert_eq!(statistics["active_connections"], 4);
    assert!(statistics["connections_info"][0]["messages_sent"].as_u64() > Some(0), "{statistics}");
    send(server.request(Method::POST, "/api/train/stop"), &operator).await;
    let (status, _) = send(server.request(Method::DELETE, "/api/v1/snapshots/a"), &operator).await;
    assert_eq!(status, 204);
    back.until(|frame| is_event(frame, "snapshot_deleted")).await;
}

#[tokio::test]
async fn a_control_socket_answers_before_what_it_causes() {
    let server = TestServer::start().await;
    made(&server, "default", "controlled").await;
    let operator = server.token(Role::Operator).await;
    let mut control = Client::with_token(&server, "/ws/control", &operator).await;
    control.next().await;
    for (command, changed) in [
        (json!({"command": "pause"}), false),
        (json!({"command": "start", "reset": false}), true),
        (json!({"command": "pause"}), true),
        (json!({"command": "resume"}), true),
        (json!({"command": "set_params", "params": {"learning_rate": 0.02}}), true),
        (json!({"command": "stop"}), true),
        (json!({"command": "reset"}), true),
    ] {
        control.send(command.to_string()).await;
        let frames = control.until(|frame| frame.get("ok").is_some()).await;
        let answer = frames.last().unwrap();
        assert_eq!((&answer["ok"], &answer["changed"]), (&json!(true), &json!(changed)), "{answer}");
        assert_eq!(answer["command"], command["command"]);
        assert!(answer["state"]["current_epoch"].is_u64(), "{answer}");
        assert_eq!(answer.get("error").is_some(), !changed, "{answer}");
        let before = &frames[..frames.len() - 1];
        assert!(!before.iter().any(|frame| is_event(frame, "status_change")), "{before:?}");
        if changed && command["command"] != "set_params" {
            let reset = command["command"] == "reset";
            let caused = control
                .until(|frame| {
                    if reset {
                        frame["type"] == "topology" && frame["data"]["hidden_units"] == 0
                    } else {
                        is_event(frame, "status_change")
                    }
                })
                .await;
            assert!(types(&caused).iter().all(|kind| *kind != "control_ack"), "{caused:?}");
        }
    }
    for (text, error) in [
        (r#"{"command": "fly"}"#.to_owned(), "Unknown command: fly"),
        ("{".to_owned(), "Invalid JSON"),
        (format!(r#"{{"command": "{}"}}"#, "x".repeat(70_000)), "Message too large"),
    ] {
        control.send(text).await;
        let frames = control.until(|frame| frame.get("ok").is_some()).await;
        let answer = frames.last().unwrap();
        assert_eq!((&answer["ok"], answer["error"].as_str()), (&json!(false), Some(error)));
    }
    control.send(json!({"command": "set_params", "params": {"learning_rate": -5}}).to_string()).await;
    let answer = control.until(|frame| frame.get("ok").is_some()).await.pop().unwrap();
    assert_eq!((&answer["ok"], &answer["changed"]), (&json!(false), &json!(false)));
    control.send(r#"{"type": "ping"}"#).await;
    control.until(|frame| frame["type"] == "pong").await;
}

#[tokio::test]
async fn who_may_not_use_a_socket_is_told_by_its_code() {
    let server = TestServer::start().await;
    made(&server, "default", "guarded").await;
    let (operator, viewer) = (server.token(Role::Operator).await, server.token(Role::Viewer).await);
    assert_eq!(Client::with_token(&server, "/ws/control", &viewer).await.closed().await.0, 4003);
    assert_eq!(Client::with_token(&server, "/ws/training", "nonsense").await.closed().await.0, 4001);
    assert_eq!(Client::with_token(&server, "/ws?run=none", &operator).await.closed().await.0, 4004);

    // The first frame.
    let mut client = Client::open(&server, "/ws/training", &[]).await;
    client.send(json!({"type": "auth", "token": viewer}).to_string()).await;
    assert_eq!(client.next().await["type"], "connection_established");
    for wrong in [json!({"type": "auth", "token": "nonsense"}), json!({"type": "ping"})] {
        let mut client = Client::open(&server, "/ws/training", &[]).await;
        client.send(wrong.to_string()).await;
        assert_eq!(client.closed().await.0, 4001, "{wrong}");
    }
    // A token in the address is none.
    let mut client = Client::open(&server, &format!("/ws?token={viewer}"), &[]).await;
    client.send("{}").await;
    assert_eq!(client.closed().await.0, 4001);

    // A cookie counts on our own pages.
    server.user("anna", "correct horse battery", Role::Operator).await;
    let login = json!({"name": "anna", "password": "correct horse battery"});
    let answer = server.request(Method::POST, "/api/v1/sessions").json(&login).send().await.unwrap();
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let ours = format!("http://{}", server.address);
    for (origin, code) in
        [(Some(ours.as_str()), None), (Some("http://evil.example"), Some(4003)), (None, Some(4003))]
    {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let mut client = Client::open(&server, "/ws/control", &headers).await;
        match code {
            None => assert_eq!(client.next().await["type"], "connection_established"),
            Some(code) => assert_eq!(client.closed().await.0, code, "{origin:?}"),
        }
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own_runs_and_a_client_those_that_it_asks_for() {
    let server = TestServer::start().await;
    server.tenant("ours").await;
    server.tenant("theirs").await;
    let wanted = made(&server, "ours", "wanted").await;
    made(&server, "ours", "other").await;
    let hidden = made(&server, "theirs", "hidden").await;
    let token = server.token_in("ours", Role::Operator).await;
    let mut narrowed = Client::with_token(&server, "/ws/training?run=wanted", &token).await;
    let mut all = Client::with_token(&server, "/ws", &token).await;
    narrowed.until(|frame| frame["type"] == "state").await;
    all.next().await;
    for (tenant, run) in [("theirs", "hidden"), ("ours", "other"), ("ours", "wanted")] {
        let command = TrainingCommand::Start { reset: false };
        let caller = TestServer::local(tenant);
        let done =
            server.service.control_training(&caller, Some(run), command, CommandChannel::Request).await;
        assert!(done.unwrap().changed);
    }
    let told = narrowed.until(|frame| frame["type"] == "topology").await;
    assert!(told.iter().all(|frame| frame["data"]["run_id"] == json!(wanted)), "{told:?}");
    let told = all.until(|frame| frame["data"]["run_id"] == json!(wanted)).await;
    assert!(told.iter().all(|frame| frame["data"]["run_id"] != json!(hidden)), "{told:?}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_sent_away_and_slows_nobody() {
    let settings = ServerSettings { max_sockets: NARROW, ..ServerSettings::default() };
    let server = TestServer::start_with(settings).await;
    made(&server, "default", "busy").await;
    let token = server.token(Role::Operator).await;
    let mut stalled = Client::narrow(&server, "/ws", &token).await;
    assert_eq!(stalled.next().await["type"], "connection_established");
    let mut quick = Client::with_token(&server, "/ws", &token).await;
    quick.next().await;
    let caller = TestServer::local("default");
    let changes = 1600_u64;
    let reader = tokio::spawn(async move {
        let last = |frame: &Value| frame["data"]["learning_rate"] == json!(1.0);
        quick.until(last).await
    });
    for turn in 1..=changes {
        let rate = json!({"learning_rate": turn as f64 / changes as f64});
        let params = rate.as_object().unwrap().clone();
        server.service.set_training_parameters(&caller, None, params).await.unwrap();
    }
    let told = reader.await.unwrap();
    assert_eq!(told.len() as u64, changes, "the other one gets every frame");
    let (code, frames) = stalled.closed().await;
    assert_eq!(code, 4008);
    assert!((frames.len() as u64) < changes, "{}", frames.len());
    let numbers: Vec<_> = frames.iter().map(|frame| frame["data"]["seq"].as_u64().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "what it got is in order");
}

#[tokio::test]
async fn there_is_room_for_so_many_and_a_shutdown_is_told() {
    let settings = ServerSettings { max_sockets: 2, ..ServerSettings::default() };
    let server = TestServer::start_with(settings).await;
    let token = server.token(Role::Viewer).await;
    let mut first = Client::with_token(&server, "/ws", &token).await;
    first.next().await;
    let mut second = Client::with_token(&server, "/ws/training", &token).await;
    second.next().await;
    assert_eq!(Client::with_token(&server, "/ws", &token).await.closed().await.0, 1013);
    first.send("what?").await;
    assert_eq!(first.next().await["type"], "error");
    server.stop().await;
    let (code, frames) = first.closed().await;
    assert_eq!((code, types(&frames)), (1001, vec!["server_shutdown"]));
}
