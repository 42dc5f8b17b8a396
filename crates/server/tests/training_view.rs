//! Snapshots of training over REST: the same resource, with what is particular to the kind.
#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

mod support;

use std::sync::Arc;

use backstay_model::Role;
use backstay_service::Run;
use backstay_service::view::{NewTrainingRun, NewTrainingSnapshot, TrainingSnapshot, TrainingTrigger};
use backstay_source_training::{Content, Header, Lineage, Snapshot};
use backstay_trainer::{Command, Generator, Parameters, Spiral, Trainer};
use reqwest::Method;
use serde_json::{Value, json};
use support::{TestServer, refused, send};

const SNAPSHOTS: &str = "/api/v1/snapshots";

fn state(epochs: u64) -> Snapshot {
    let parameters = Parameters {
        output_epochs: 20,
        candidate_epochs: 30,
        candidate_pool_size: 8,
        threads: 1,
        ..Parameters::default()
    };
    let spiral = Spiral { n_per_spiral: 300, ..Spiral::default() };
    let mut trainer = Trainer::generated(parameters, Generator::Spiral(spiral)).unwrap();
    trainer.command(Command::Start).unwrap();
    trainer.run(epochs);
    let header = Header {
        uuid: "6f3a1f0c-52c5-4c8e-9a6e-0d6ad1f5b0aa".to_owned(),
        created: None,
        description: String::new(),
        snapshot_counter: 0,
        lineage: Lineage::default(),
    };
    let content =
        Content::Exact { state: Box::new(trainer.state().clone()), data: Arc::clone(trainer.data()) };
    Snapshot { header, content }
}

fn file(epochs: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    state(epochs).group().write(&mut bytes).unwrap();
    bytes
}

/// Saves a state as a trainer would.
async fn save(server: &TestServer, run: &str, epochs: u64, new: NewTrainingSnapshot) -> TrainingSnapshot {
    let caller = TestServer::local("default");
    server.clock.advance(1);
    let run = if let Ok(run) = server.service.resolve_training_run(&caller, run).await {
        run
    } else {
        let new = NewTrainingRun { name: run.to_owned(), ..NewTrainingRun::default() };
        server.service.create_training_run(&caller, new).await.unwrap()
    };
    let saved = server.service.save_training(&caller, &run.id, state(epochs), &new, &Run::default()).await;
    saved.unwrap().snapshot
}

fn named(label: &str) -> NewTrainingSnapshot {
    NewTrainingSnapshot { label: label.to_owned(), ..NewTrainingSnapshot::default() }
}

#[tokio::test]
async fn an_item_has_the_fields_of_every_kind_and_its_own() {
    let server = TestServer::start().await;
    let viewer = server.token(Role::Viewer).await;
    let round = NewTrainingSnapshot { trigger: TrainingTrigger::Round, ..named("best 1") };
    let saved = save(&server, "spirals", 40, round).await;
    save(&server, "other", 5, named("first")).await;
    server.workspace("w").await;

    let get = |query: &str| server.request(Method::GET, &format!("{SNAPSHOTS}{query}"));
    for query in
        ["?kind=training&run=spirals", "?trigger=round", "?q=best", &format!("?run={}", saved.run_id)]
    {
        let (status, page) = send(get(query), &viewer).await;
        assert_eq!((status.as_u16(), &page["total"]), (200, &json!(1)), "{query}: {page}");
        let item = &page["snapshots"][0];
        for (field, value) in [
            ("id", json!("best-1")),
            ("label", json!("best 1")),
            ("name", json!("best-1.h5")),
            ("kind", json!("training")),
            ("state", json!("ready")),
            ("path", json!("/api/v1/snapshots/best-1/file")),
            ("size_bytes", json!(saved.size_bytes)),
            ("run_id", json!(saved.run_id)),
            ("epoch", json!(40)),
            ("phase", json!(saved.phase)),
            ("hidden_units", json!(saved.hidden_units)),
            ("trigger", json!("round")),
            ("exact", json!(true)),
            ("missing", json!([])),
            ("pinned", json!(false)),
            ("sha256", json!(saved.sha256)),
            ("description", json!("")),
        ] {
            assert_eq!(item[field], value, "{field}");
        }
        assert!(item["metrics"]["loss"].is_number() && item["timestamp"].is_string());
    }
    for query in ["?run=nothing", "?kind=training&q=nowhere"] {
        let (_, page) = send(get(query), &viewer).await;
        assert_eq!(
            page,
            json!({"snapshots": [], "total": 0, "message": "No snapshots available"}),
            "{query}"
        );
    }
    for query in ["?kind=training&limit=501", "?trigger=whim"] {
        refused(get(query), Some(&viewer), 422).await;
    }

    let (_, detail) = send(get("/best-1"), &viewer).await;
    let attributes = &detail["attributes"];
    assert_eq!(
        (&attributes["format"], &attributes["format_version"]),
        (&json!("juniper.cascor"), &json!("2"))
    );
    assert_eq!((&attributes["mode"], &attributes["epochs_trained"]), (&json!("real"), &json!(40)));
    assert_eq!(attributes["created_in_session"], true);
    let unknown = refused(get("/nothing"), Some(&viewer), 404).await;
    assert_eq!(unknown["detail"], "Snapshot not found");
}

#[tokio::test]
async fn the_file_is_the_same_every_time_and_served_in_ranges() {
    let server = TestServer::start().await;
    let viewer = server.token(Role::Viewer).await;
    let saved = save(&server, "spirals", 40, named("a")).await;
    let get = || server.request(Method::GET, &format!("{SNAPSHOTS}/a/file")).bearer_auth(&viewer);
    let first = get().send().await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(first.headers()["etag"], format!("\"{}\"", saved.sha256));
    assert_eq!(first.headers()["content-length"], saved.size_bytes.to_string());
    assert_eq!(first.headers()["content-type"], "application/x-hdf5");
    assert!(first.headers()["content-disposition"].to_str().unwrap().contains("a.h5"));
    let whole = first.bytes().await.unwrap();
    assert_eq!(&whole[..8], b"\x89HDF\r\n\x1a\n");
    assert!(whole == get().send().await.unwrap().bytes().await.unwrap(), "two exports are equal bytes");
    let read = Snapshot::read(&whole[..]).unwrap();
    assert!(matches!(read.content, Content::Exact { state, .. } if state.epoch == 40));

    for (range, from, to) in
        [("bytes=0-99", 0, 100), ("bytes=5000-5999", 5000, 6000), ("bytes=-7", whole.len() - 7, whole.len())]
    {
        let part = get().header("range", range).send().await.unwrap();
        assert_eq!(part.status(), 206, "{range}");
        assert!(part.bytes().await.unwrap() == whole[from..to], "{range}");
    }
    let known = get().header("if-none-match", format!("\"{}\"", saved.sha256)).send().await.unwrap();
    assert_eq!(known.status(), 304);
    refused(get().header("range", format!("bytes={}-", whole.len())), None, 416).await;
    let head = server.request(Method::HEAD, &format!("{SNAPSHOTS}/a/file")).bearer_auth(&viewer).send().await;
    assert_eq!(head.unwrap().headers()["content-length"], saved.size_bytes.to_string());
}

#[tokio::test]
async fn any_name_gives_a_plain_id() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let bytes = file(3);
    let import = |name: &str| {
        let request = server.request(Method::POST, &format!("{SNAPSHOTS}/import")).query(&[("name", name)]);
        request.header("content-type", "application/x-hdf5").body(bytes.clone())
    };
    for (name, id) in [("../../x", "x"), ("a/b", "a-b"), ("best 1", "best-1"), ("..x..", "..x..")] {
        let (status, made) = send(import(name), &operator).await;
        assert_eq!((status.as_u16(), &made["label"]), (201, &json!(name)), "{made}");
        let wanted = if name == "..x.." { None } else { Some(json!(id)) };
        assert!(wanted.is_none_or(|wanted| made["id"] == wanted), "{made}");
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        assert!(made["id"].as_str().unwrap().chars().all(plain), "{made}");
        assert_eq!(made["message"], "Snapshot imported successfully");
    }
    for name in ["history", "import", "compare", "../", "größe"] {
        let (status, made) = send(import(name), &operator).await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap();
        assert_ne!(id, name);
        let (status, shown) =
            send(server.request(Method::GET, &format!("{SNAPSHOTS}/{id}")), &operator).await;
        assert_eq!((status.as_u16(), &shown["label"]), (200, &json!(name)));
    }
    let taken = refused(import("a/b"), Some(&operator), 409).await;
    assert_eq!(taken["detail"], "Snapshot 'a/b' already exists");
    // What an id once was, none is again.
    let delete = server.request(Method::DELETE, &format!("{SNAPSHOTS}/a-b"));
    assert_eq!(send(delete, &operator).await.0, 204);
    let (_, again) = send(import("a/b"), &operator).await;
    assert!(again["id"].as_str().unwrap().starts_with("a-b-"), "{again}");

    // Two without a name in one second.
    let unnamed = || {
        let request = server.request(Method::POST, &format!("{SNAPSHOTS}/import"));
        request.header("content-type", "application/x-hdf5").body(bytes.clone())
    };
    let ((_, one), (_, two)) = (send(unnamed(), &operator).await, send(unnamed(), &operator).await);
    assert!(one["id"].as_str().unwrap().starts_with("snapshot_20260103_"), "{one}");
    assert_ne!(one["id"], two["id"]);
}

#[tokio::test]
async fn a_file_is_imported_from_a_body_or_a_form_and_what_is_none_is_refused() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let post = || server.request(Method::POST, &format!("{SNAPSHOTS}/import"));
    let bytes = file(10);
    let part = reqwest::multipart::Part::bytes(bytes.clone()).file_name("x.h5");
    let form = reqwest::multipart::Form::new().text("name", "form").text("run", "mine").part("file", part);
    let (status, made) = send(post().query(&[("name", "query")]).multipart(form), &operator).await;
    assert_eq!(
        (status.as_u16(), &made["id"], &made["run_name"]),
        (201, &json!("form"), &json!("mine")),
        "{made}"
    );
    assert_eq!(
        (&made["trigger"], &made["exact"], &made["epoch"]),
        (&json!("import"), &json!(true), &json!(10))
    );
    // The bytes come out as they went in, and without a run the newest one takes them.
    let (_, again) = send(post().body(bytes.clone()), &operator).await;
    assert_eq!(again["run_id"], made["run_id"]);
    let out =
        server.request(Method::GET, again["path"].as_str().unwrap()).bearer_auth(&operator).send().await;
    assert!(out.unwrap().bytes().await.unwrap() == bytes);

    let mut network = Vec::new();
    state(50).network_group().write(&mut network).unwrap();
    let (_, partial) = send(post().query(&[("name", "net")]).body(network), &operator).await;
    assert_eq!(partial["exact"], false, "{partial}");
    assert!(partial["missing"].as_array().unwrap().contains(&json!("optimizer moments")));
    let restore = server.request(Method::POST, &format!("{SNAPSHOTS}/net/restore"));
    refused(restore, Some(&operator), 409).await;

    let mut flipped = bytes.clone();
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    for (body, reason) in [
        (b"no file".to_vec(), ""),
        (Vec::new(), ""),
        (bytes[..bytes.len() / 2].to_vec(), ""),
        (flipped, "Checksum mismatch in "),
    ] {
        let refused = refused(post().body(body), Some(&operator), 422).await;
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("Invalid snapshot file: {reason}")), "{detail}");
    }
    let form = reqwest::multipart::Form::new().text("name", "form");
    refused(post().multipart(form), Some(&operator), 422).await;
    refused(post().query(&[("name", "a\u{1}")]).body(bytes.clone()), Some(&operator), 422).await;
    let large = post().header("content-length", (300_u64 << 20).to_string()).body("");
    if let Ok(answer) = large.bearer_auth(&operator).send().await {
        assert_eq!(answer.status(), 413);
    }
    let viewer = server.token(Role::Viewer).await;
    refused(post().body(bytes), Some(&viewer), 403).await;
}

#[tokio::test]
async fn a_run_is_taken_back_and_forth_and_damage_is_refused_by_name() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let (early, late) =
        (save(&server, "r", 30, named("early")).await, save(&server, "r", 45, named("late")).await);
    let post =
        |id: &str, query: &str| server.request(Method::POST, &format!("{SNAPSHOTS}/{id}/restore{query}"));
    let (status, plan) = send(post("early", "?dry_run=true"), &operator).await;
    assert_eq!(
        (status.as_u16(), &plan["status"], &plan["restored_at"]),
        (200, &json!("planned"), &Value::Null)
    );
    let (status, done) = send(post("early", ""), &operator).await;
    assert_eq!(status, 200, "{done}");
    for (field, value) in [
        ("status", json!("success")),
        ("message", json!("Restored from snapshot 'early'")),
        ("snapshot_id", json!("early")),
        ("mode", json!("real")),
        ("current_epoch", json!(30)),
        ("training_status", json!("Stopped")),
        ("phase", json!(early.phase)),
        ("hidden_units", json!(early.hidden_units)),
        ("safety_snapshot_id", json!("late")),
        ("exact", json!(true)),
        ("missing", json!([])),
    ] {
        assert_eq!(done[field], value, "{field}");
    }
    assert!(done["restored_at"].is_string());
    let (_, history) =
        send(server.request(Method::GET, &format!("{SNAPSHOTS}/history?action=restore&run=r")), &operator)
            .await;
    let entry = &history["history"][0];
    assert_eq!((&history["total"], &entry["snapshot_id"]), (&json!(1), &json!("early")));
    for (field, value) in [
        ("name", json!("early")),
        ("size_bytes", json!(early.size_bytes)),
        ("mode", json!("real")),
        ("run_id", json!(early.run_id)),
        ("trigger", json!("manual")),
    ] {
        assert_eq!(entry["details"][field], value, "{field}");
    }
    assert!(entry["details"]["actor"].is_string());
    let missing = refused(post("nothing", ""), Some(&operator), 404).await;
    assert_eq!(missing["detail"], "Snapshot 'nothing' not found");
    let viewer = server.token(Role::Viewer).await;
    refused(post("early", ""), Some(&viewer), 403).await;
    refused(post("early", "?wait_s=601"), Some(&operator), 422).await;
    let (_, undone) = send(post("late", "").json(&json!({"run": late.run_id})), &operator).await;
    assert_eq!((&undone["current_epoch"], &undone["safety_snapshot_id"]), (&json!(45), &json!("early")));

    // One byte of what is stored.
    for pack in std::fs::read_dir(server.data().join("repository/packs")).unwrap().flat_map(|below| {
        let path = below.unwrap().path();
        if path.is_dir() {
            std::fs::read_dir(path).unwrap().map(|one| one.unwrap().path()).collect()
        } else {
            vec![path]
        }
    }) {
        let mut bytes = std::fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    }
    let damaged = refused(post("early", ""), Some(&operator), 500).await;
    let detail = damaged["detail"].as_str().unwrap();
    assert!(detail.starts_with("Failed to restore snapshot: Checksum mismatch in "), "{detail}");
    let caller = TestServer::local("default");
    let run = server.service.resolve_training_run(&caller, "r").await.unwrap();
    assert_eq!(run.head.map(|head| head.id), Some(late.id), "the run is where it was");
}

#[tokio::test]
async fn deleting_leaves_a_line_in_the_history_and_pinned_ones_stay() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let manual = |number: usize| named(&format!("s{number}"));
    for number in 0..60 {
        save(&server, "r", 1, manual(number)).await;
    }
    let get = |path: &str| server.request(Method::GET, &format!("{SNAPSHOTS}{path}"));
    let (_, history) = send(get("/history"), &operator).await;
    assert_eq!((&history["total"], history["history"].as_array().unwrap().len()), (&json!(60), 50));
    assert_eq!((&history["history"][0]["snapshot_id"], &history["message"]), (&json!("s59"), &Value::Null));

    let (status, pinned) = send(server.request(Method::PUT, &format!("{SNAPSHOTS}/s1/pin")), &operator).await;
    assert_eq!((status.as_u16(), &pinned["pinned"]), (200, &json!(true)));
    let delete = |id: &str| server.request(Method::DELETE, &format!("{SNAPSHOTS}/{id}"));
    let refusal = refused(delete("s1"), Some(&operator), 409).await;
    assert_eq!(refusal["detail"], "Snapshot is pinned");
    send(server.request(Method::DELETE, &format!("{SNAPSHOTS}/s1/pin")), &operator).await;
    for id in ["s1", "s2"] {
        assert_eq!(send(delete(id), &operator).await.0, 204);
        refused(delete(id), Some(&operator), 404).await;
        refused(get(&format!("/{id}")), Some(&operator), 404).await;
    }
    let (_, deleted) = send(get("/history?action=delete&limit=1"), &operator).await;
    assert_eq!((&deleted["total"], &deleted["history"][0]["snapshot_id"]), (&json!(2), &json!("s2")));
    assert_eq!(deleted["history"][0]["details"]["name"], "s2");
    let (_, list) = send(get("?kind=training&limit=5"), &operator).await;
    assert_eq!(list["total"], 58);

    let fork = server.request(Method::POST, &format!("{SNAPSHOTS}/s3/fork")).json(&json!({"name": "fork"}));
    assert_eq!(send(fork, &operator).await.0, 201);
    let refusal = refused(delete("s3"), Some(&operator), 409).await;
    assert_eq!(refusal["detail"], "Snapshot is in use");
}

#[tokio::test]
async fn a_label_is_changed_and_stays_unique() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    save(&server, "r", 1, named("a")).await;
    save(&server, "r", 1, named("b")).await;
    let patch =
        |id: &str, body: Value| server.request(Method::PATCH, &format!("{SNAPSHOTS}/{id}")).json(&body);
    let (_, changed) = send(patch("a", json!({"label": "c", "description": "d"})), &operator).await;
    assert_eq!(
        (&changed["id"], &changed["label"], &changed["description"]),
        (&json!("a"), &json!("c"), &json!("d"))
    );
    send(patch("a", json!({"label": "c"})), &operator).await;
    let taken = refused(patch("a", json!({"label": "b"})), Some(&operator), 409).await;
    assert_eq!(taken["detail"], "Snapshot 'b' already exists");
    refused(patch("a", json!({"label": ""})), Some(&operator), 422).await;
    let (status, verified) =
        send(server.request(Method::POST, &format!("{SNAPSHOTS}/a/verify")), &operator).await;
    assert_eq!((status.as_u16(), &verified["result"]["healthy"]), (200, &json!(true)), "{verified}");
}

#[tokio::test]
async fn snapshots_are_compared_and_forked_and_runs_pruned() {
    let server = TestServer::start().await;
    let operator = server.token(Role::Operator).await;
    let scheduled = |label: &str| NewTrainingSnapshot { trigger: TrainingTrigger::Schedule, ..named(label) };
    for (label, epochs) in [("a", 30), ("b", 30), ("c", 60)] {
        save(&server, "r", epochs, scheduled(label)).await;
    }
    let get = |path: &str| server.request(Method::GET, path);
    let (_, tensors) = send(get(&format!("{SNAPSHOTS}/a/tensors?limit=1000")), &operator).await;
    let weights = tensors["tensors"].as_array().unwrap();
    let weights = weights.iter().find(|one| one["path"] == "params/output_layer/weights").unwrap();
    assert_eq!(
        (&weights["dtype"], &weights["shape"], &weights["bytes"]),
        (&json!("<f4"), &json!([2, 2]), &json!(16))
    );

    let (_, same) = send(get(&format!("{SNAPSHOTS}/compare?a=a&b=b")), &operator).await;
    assert_eq!((&same["same_architecture"], &same["params_diff"]), (&json!(true), &json!({})));
    let changed = |found: &Value| {
        let tensors = found["tensors"].as_array().unwrap().clone();
        tensors.into_iter().filter(|tensor| tensor["status"] != "same").count()
    };
    assert_eq!(changed(&same), 0, "{same}");
    let (_, other) = send(get(&format!("{SNAPSHOTS}/compare?a=a&b=c")), &operator).await;
    assert!(changed(&other) > 0 && other["same_hidden_units"] == false, "{other}");
    refused(get(&format!("{SNAPSHOTS}/compare?a=a")), Some(&operator), 422).await;
    refused(get(&format!("{SNAPSHOTS}/compare?a=a&b=nothing")), Some(&operator), 404).await;

    let fork = |body: Value| server.request(Method::POST, &format!("{SNAPSHOTS}/a/fork")).json(&body);
    let wanted = json!({"name": "f", "params": {"learning_rate": 0.05}, "seed": 7});
    let (status, made) = send(fork(wanted.clone()), &operator).await;
    assert_eq!((status.as_u16(), &made["parent_snapshot_id"]), (201, &json!("a")), "{made}");
    assert_eq!(made["params"], json!({"learning_rate": 0.05, "seed": 7}));
    refused(fork(wanted), Some(&operator), 409).await;
    for params in [json!({"learning_rate": -5}), json!({"learning_rate": "x"}), json!({"speed": 1})] {
        refused(fork(json!({"name": "g", "params": params})), Some(&operator), 422).await;
    }
    let (_, lineage) = send(get("/api/v1/training/lineage"), &operator).await;
    let root = &lineage["runs"][0];
    assert_eq!((&root["name"], &root["epoch"]), (&json!("r"), &json!(60)));
    assert_eq!((&root["forks"][0]["name"], &root["forks"][0]["parent_epoch"]), (&json!("f"), &json!(30)));

    let prune = |body: Value| server.request(Method::POST, "/api/v1/training/runs/r/prune").json(&body);
    let rules = json!({"last": 1});
    let (status, plan) = send(prune(json!({"rules": rules})), &operator).await;
    assert_eq!(
        (status.as_u16(), &plan["dry_run"], &plan["removed"]),
        (200, &json!(true), &json!(1)),
        "{plan}"
    );
    let codes: Vec<_> =
        plan["decisions"].as_array().unwrap().iter().map(|one| one["reasons"][0]["code"].clone()).collect();
    assert_eq!(codes, [json!("last_good"), json!("no_rule"), json!("parent_of")]);
    let (_, done) = send(prune(json!({"rules": rules, "dry_run": false})), &operator).await;
    assert_eq!(done["decisions"], plan["decisions"], "as the dry run said");
    refused(get(&format!("{SNAPSHOTS}/b")), Some(&operator), 404).await;
    for body in [
        json!({"rules": {"last": -1}}),
        json!({"rules": {"first": 1}}),
        json!({"rules": {"last": 1, "every": 0}}),
    ] {
        refused(prune(body), Some(&operator), 422).await;
    }

    let patch = |body: Value| server.request(Method::PATCH, "/api/v1/training/runs/r").json(&body);
    let auto = json!({"on_best": {"metric": "accuracy", "min_delta": 0.01}, "every_s": 5});
    let (status, run) = send(patch(json!({"keep": {"last": 7}, "auto": auto})), &operator).await;
    assert_eq!((status.as_u16(), &run["keep"]["last"]), (200, &json!(7)), "{run}");
    assert_eq!(
        run["auto"]["on_best"],
        json!({"metric": "accuracy", "min_delta": 0.01, "cooldown_epochs": 100})
    );
    assert_eq!((&run["auto"]["each_round"], &run["auto"]["every_s"]), (&json!(true), &json!(5)));
    refused(patch(json!({"auto": {"on_best": {"metric": "luck"}}})), Some(&operator), 422).await;
    refused(
        server.request(Method::PATCH, "/api/v1/training/runs/none").json(&json!({})),
        Some(&operator),
        404,
    )
    .await;
    let viewer = server.token(Role::Viewer).await;
    refused(patch(json!({})), Some(&viewer), 403).await;
}
