//! Upgrades of a workspace that is registered at a server: as tasks, with live output.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;

use backstay_api::event::EventQuery;
use backstay_api::operation::{OperationState, UndoRequest};
use backstay_api::task::TaskState;
use backstay_api::upgrade::{NewUpgradePlan, UpgradeEvent};
use backstay_client::{Client, ClientOptions};
use backstay_model::SeededRng;
use serde_json::Value;

use crate::scene::{Ran, Scene};

/// A server with the workspace of a scene.
struct Served {
    scene: Scene,
    child: Child,
    url: String,
    workspace: String,
}

impl Served {
    fn start(scene: Scene, allow_commands: bool) -> Self {
        let data = scene.beside("data").display().to_string();
        let root = scene.root().display().to_string();
        let allowed = scene.beside("").display().to_string();
        let mut command = scene.command(&[
            "serve",
            "--data-directory",
            &data,
            "--listen",
            "127.0.0.1:0",
            "--format",
            "ndjson",
            "--allowed-root",
            &allowed,
        ]);
        if allow_commands {
            command.arg("--allow-commands");
        }
        let mut child = command
            .env("STARTED", scene.beside("started"))
            .env("GO", scene.beside("go"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let url = format!("http://{}", listening["listening"]["address"].as_str().unwrap());
        let mut served = Self { scene, child, url, workspace: String::new() };
        served.token("superadmin");
        served.run(&["workspaces", "add", &root, "--name", "app"]).expect(0);
        let listed = served.run(&["workspaces", "list", "--json"]).expect(0).json();
        listed["workspaces"][0]["id"].as_str().unwrap().clone_into(&mut served.workspace);
        served
    }

    /// The file with a token of this role.
    fn token(&self, role: &str) -> PathBuf {
        let file = self.scene.beside(&format!("token-{role}"));
        if !file.exists() {
            let data = self.scene.beside("data").display().to_string();
            let create = ["tokens", "create", role, "--role", role, "--data-directory", &data, "--quiet"];
            std::fs::write(&file, self.scene.run(&create).expect(0).stdout).unwrap();
        }
        file
    }

    fn run_as(&self, role: &str, arguments: &[&str]) -> Ran {
        let mut command = self.scene.command(arguments);
        command.env("BACKSTAY_SERVER", &self.url).env("BACKSTAY_TOKEN_FILE", self.token(role));
        Ran::of(&command.output().unwrap())
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_as("superadmin", arguments)
    }

    fn client(&self, role: &str) -> Client {
        let token = std::fs::read_to_string(self.token(role)).unwrap();
        Client::new(&self.url, ClientOptions::new(Some(token.trim()), Arc::new(SeededRng::new(3)))).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn to(version: &str) -> NewUpgradePlan {
    NewUpgradePlan { dependency: Some("kb".into()), to: Some(version.into()), ..NewUpgradePlan::default() }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn the_command_line_upgrades_through_a_server_as_without_one() {
    let served = Served::start(Scene::new(), true);
    let plan = served.run(&["upgrade", "kb", "--to", "v4", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(plan["moves"][0]["changes"].as_array().unwrap().len(), 3, "{plan}");
    let report =
        served.run(&["upgrade", "--plan", plan["plan_id"].as_str().unwrap(), "--json"]).expect(0).json();
    assert_eq!(
        (&report["success"], report["steps"].as_array().unwrap().len()),
        (&true.into(), 4),
        "{report}"
    );
    served.scene.assert_at("v4");
    let again = served.run(&["upgrade", "kb", "--to", "v4", "--json"]).expect(0).json();
    assert_eq!((&again["changed"], &again["from"]["ref"]), (&false.into(), &"v4".into()), "{again}");
    let stale =
        served.run(&["upgrade", "--plan", plan["plan_id"].as_str().unwrap(), "--json"]).expect(1).json();
    assert_eq!(stale["code"], "stale_plan");
    served.run(&["undo"]).expect(0);
    served.scene.assert_at("v1");
}

#[test]
fn what_commands_say_comes_live_and_a_failure_is_told_whole() {
    let served = Served::start(
        Scene::of("echo hello from the migration; echo 1 > one", Some("echo no good; exit 7")),
        true,
    );
    let before = served.scene.picture();
    let ran = served.run(&["upgrade", "kb", "--to", "v2"]).expect(1);
    assert!(ran.stderr.contains("hello from the migration"), "{ran:?}");
    assert!(ran.stdout.contains("All changes have been rolled back"), "{ran:?}");
    before.assert_same(&served.scene.picture(), "after a failure at the server");
    let lines = served.run(&["upgrade", "kb", "--to", "v2", "--format", "ndjson"]).expect(1).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        lines.iter().any(|line| line["type"] == "output" && line["output"]["text"] == "no good\n"),
        "{lines:?}"
    );
    let result = &lines.last().unwrap()["result"];
    assert_eq!(
        (&result["steps"][1]["exit_code"], &result["rollback"]["complete"]),
        (&7.into(), &true.into())
    );
}

#[test]
fn every_step_is_an_event_and_the_output_can_be_read_again() {
    let served = Served::start(Scene::of("echo one; echo two >&2", Some("test -d data")), true);
    wait(async {
        let client = served.client("technical");
        let plan = client.plan_upgrade(&served.workspace, &to("v2")).await.unwrap();
        let accepted = client.upgrade(&served.workspace, &plan.plan_id, 60).await.unwrap();
        assert_eq!(accepted.state, OperationState::Done);
        let task = client.get_task(&accepted.task_id).await.unwrap();
        assert_eq!((task.state, task.result.unwrap()["success"].clone()), (TaskState::Done, true.into()));
        let viewer = served.client("viewer");
        for _ in 0..2 {
            let mut seen = Vec::new();
            let state = viewer.follow_output(&accepted.operation_id, |event| seen.push(event)).await.unwrap();
            assert_eq!(state, OperationState::Done);
            let said: String = seen
                .iter()
                .filter_map(|event| match event {
                    UpgradeEvent::Output { text, .. } => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            assert!(said.contains("one\n") && said.contains("two\n"), "{seen:?}");
            assert!(
                matches!(seen.last(), Some(UpgradeEvent::Finished { report }) if report.success),
                "{seen:?}"
            );
        }
        let query = EventQuery { limit: Some(100), ..EventQuery::default() };
        let events = served.client("admin").list_events(&query).await.unwrap().events;
        let about: Vec<&str> = events
            .iter()
            .rev()
            .filter(|event| event.subject.id == accepted.operation_id)
            .map(|event| event.action.as_str())
            .collect();
        let steps = ["upgrade.step_started", "upgrade.step_ended"];
        assert_eq!(
            about,
            [&["operation.started"], &steps[..], &steps[..], &["dependency.upgraded"]].concat()
        );
        let undone =
            client.undo_operation(&accepted.operation_id, &UndoRequest::default(), 60).await.unwrap();
        assert_eq!(undone.state, OperationState::Done);
    });
    served.scene.assert_at("v1");
}

#[test]
fn a_running_upgrade_is_cancelled_and_everything_is_as_it_was() {
    let served = Served::start(Scene::of("echo 1 > one; : > \"$STARTED\"; sleep 300", None), true);
    let before = served.scene.picture();
    wait(async {
        let client = served.client("technical");
        let plan = client.plan_upgrade(&served.workspace, &to("v2")).await.unwrap();
        let accepted = client.upgrade(&served.workspace, &plan.plan_id, 0).await.unwrap();
        Scene::wait_for(&served.scene.beside("started"));
        client.cancel_operation(&accepted.operation_id).await.unwrap();
        let state = client.follow_output(&accepted.operation_id, |_| ()).await.unwrap();
        assert_eq!(state, OperationState::RolledBack);
        assert_eq!(client.get_task(&accepted.task_id).await.unwrap().state, TaskState::Cancelled);
    });
    before.assert_same(&served.scene.picture(), "after cancelling");
    served.scene.assert_at("v1");
}

#[test]
fn roles_and_a_server_that_runs_no_commands_are_respected() {
    let served = Served::start(Scene::new(), true);
    let before = served.scene.picture();
    let refused = served.run_as("operator", &["upgrade", "kb", "--to", "v4", "--json"]);
    assert_ne!(refused.code, 0);
    assert_eq!(refused.json()["code"], "forbidden", "{refused:?}");
    before.assert_same(&served.scene.picture(), "after a refusal");
    drop(served);

    let served = Served::start(Scene::new(), false);
    let refused = served.run(&["upgrade", "kb", "--to", "v4", "--json"]);
    assert!(refused.json()["error"].as_str().unwrap().contains("Commands are disabled"), "{refused:?}");
    served.scene.assert_at("v1");
}

#[test]
fn a_hook_that_fails_afterwards_is_3_through_a_server_as_without_one() {
    let scene = Scene::of("touch migrated", None);
    let hooks =
        "hooks:\n  after_upgrade: echo sorry; exit 5\n  after_restore: exit 6\n  after_save: exit 7\n";
    scene.write("backstay.yaml", hooks);
    scene.run(&["trust"]).expect(0);
    let served = Served::start(scene, true);
    let warned = served.run(&["upgrade", "kb", "--to", "v2"]).expect(3);
    assert!(warned.stdout.contains("✓ Upgrade complete"), "{warned:?}");
    assert!(warned.stderr.contains("after_upgrade failed with exit code 5"), "{warned:?}");
    assert!(warned.stderr.contains("sorry"), "{warned:?}");
    served.scene.assert_at("v2");
    let warned = served.run(&["undo"]).expect(3);
    assert!(warned.stderr.contains("after_restore failed with exit code 6"), "{warned:?}");
    served.scene.assert_at("v1");
    let warned = served.run(&["save", "--json"]).expect(3);
    assert!(warned.stderr.contains("after_save failed with exit code 7"), "{warned:?}");
    assert_eq!(warned.json()["state"], "ready");
}

const COMMANDS: &str = "commands:\n  hello: {run: 'echo hello {who} | tee said; echo oops >&2', args: [who]}\n  bad: {run: 'exit 7'}\n\
                        sequences: {both: [hello, bad]}\n";

#[test]
fn what_is_declared_is_told_and_run_through_a_server_as_without_one() {
    let scene = Scene::new();
    scene.write("graft.yaml", scene.read("graft.yaml") + COMMANDS);
    let served = Served::start(scene, true);
    let same: [&[&str]; 7] = [
        &["deps", "show", "kb@v4"],
        &["deps", "tree", "--details"],
        &["deps", "validate"],
        &["deps", "validate", "--lock", "--json"],
        &["deps", "run"],
        &["deps", "run", "--dry-run", "both", "who=x y"],
        &["deps", "show", "kb@v9"],
    ];
    for arguments in same {
        let (with, without) = (served.run_as("technical", arguments), served.scene.run(arguments));
        assert_eq!(
            (with.code, with.stdout),
            (without.code, without.stdout),
            "{arguments:?}: {}",
            with.stderr
        );
    }
    assert!(!served.scene.root().join("said").exists());
    let ran = served.run_as("technical", &["deps", "run", "hello", "it's $HOME"]).expect(0);
    assert_eq!(
        (ran.stdout.as_str(), served.scene.read("said").as_str()),
        ("hello it's $HOME\n", "hello it's $HOME\n")
    );
    assert!(ran.stderr.contains("oops"), "{}", ran.stderr);
    let failed = served.run_as("technical", &["deps", "run", "both", "who=me"]).expect(7);
    assert!(
        failed.stderr.contains("both: hello") && failed.stderr.contains("both: bad"),
        "{}",
        failed.stderr
    );
    let report = served.run(&["deps", "run", "bad", "--json"]);
    assert_eq!(report.code, 7, "the flag is the command's");
    let report = served.run(&["--json", "deps", "run", "bad"]).expect(7).json();
    assert_eq!((&report["exit_code"], &report["steps"][0]["name"]), (&7.into(), &"bad".into()));
    let unknown = served.run(&["deps", "run", "gone"]).expect(1);
    assert!(unknown.stderr.contains("Available sequences"), "{}", unknown.stderr);
    served.scene.write("said", "before");
    assert_ne!(served.run_as("viewer", &["deps", "run", "hello", "viewer"]).code, 0);
    assert_eq!(served.scene.read("said"), "before");

    let client = served.client("admin");
    wait(async {
        let query = EventQuery { limit: Some(100), ..EventQuery::default() };
        let events = client.list_events(&query).await.unwrap().events;
        let named = |action: &str| events.iter().filter(|event| event.action == action).count();
        assert_eq!((named("command.started"), named("command.ended")), (5, 5));
        assert_eq!((named("command.ran"), named("operation.failed")), (1, 3));
    });
}

#[test]
fn a_server_that_runs_no_commands_runs_none() {
    let scene = Scene::new();
    scene.write("graft.yaml", scene.read("graft.yaml") + COMMANDS);
    let served = Served::start(scene, false);
    let refused = served.run(&["deps", "run", "hello", "x"]).expect(1);
    assert!(refused.stderr.contains("Commands are disabled"), "{}", refused.stderr);
    assert!(!served.scene.root().join("said").exists());
    served.run(&["deps", "run", "--dry-run", "hello", "x"]).expect(0);
}
