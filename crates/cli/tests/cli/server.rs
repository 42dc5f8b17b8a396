//! The same verbs through a server.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

/// A running server with a workspace registered, stopped when dropped.
struct Served {
    sandbox: Sandbox,
    child: Child,
    url: String,
    login_link: String,
    token: PathBuf,
}

impl Served {
    fn start() -> Self {
        let sandbox = Sandbox::new();
        let data = sandbox.beside("data");
        let data = data.to_str().unwrap();
        let root = sandbox.root();
        let mut child = sandbox
            .command(&["serve", "--data-directory", data, "--listen", "127.0.0.1:0", "--format", "ndjson"])
            .arg("--allowed-root")
            .arg(&root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut event = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
        let listening = event();
        let link = event();
        let url = format!("http://{}", listening["listening"]["address"].as_str().unwrap());
        let login_link = link["login_link"]["url"].as_str().unwrap().to_owned();
        let token = sandbox.beside("token");
        let create =
            &["tokens", "create", "tests", "--role", "superadmin", "--data-directory", data, "--quiet"];
        std::fs::write(&token, sandbox.ok(create)).unwrap();
        let served = Self { sandbox, child, url, login_link, token };
        served.ok(&["workspaces", "add", root.to_str().unwrap(), "--name", "app"]);
        served
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            self.sandbox
                .command(arguments)
                .env("BACKSTAY_SERVER", &self.url)
                .env("BACKSTAY_TOKEN_FILE", &self.token),
        )
    }

    fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).expect(0).stdout.trim_end_matches('\n').to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).expect(0).json()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// The names of all fields, deep.
fn fields(value: &Value, prefix: &str, into: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                into.insert(format!("{prefix}.{name}"));
                fields(value, &format!("{prefix}.{name}"), into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| fields(item, prefix, into)),
        _ => {}
    }
}

#[test]
fn the_verbs_work_through_a_server() {
    let served = Served::start();
    served.sandbox.write("a.txt", "one\n");
    served.sandbox.write("d/b.txt", "two\n");
    let id = served.ok(&["save", "--label", "through the server"]);
    assert!(id.starts_with("snapshot-"), "{id}");
    assert_eq!(served.json(&["list"])["snapshots"][0]["label"], "through the server");
    assert_eq!(served.ok(&["show", "latest", "d/b.txt"]), "two");
    assert!(served.ok(&["show", "latest", "--files"]).contains("d/b.txt"));

    served.sandbox.write("a.txt", "changed\n");
    served.sandbox.write("new.txt", "x");
    assert_eq!(served.ok(&["diff", "latest"]), "M  a.txt\nA  new.txt");
    served.ok(&["restore", "latest"]);
    assert_eq!(served.sandbox.read("a.txt"), "one\n");
    assert!(!served.sandbox.root().join("new.txt").exists());
    served.ok(&["undo"]);
    assert_eq!(served.sandbox.read("a.txt"), "changed\n");

    served.ok(&["verify", "latest", "--data", "full"]);
    served.ok(&["pin", &id]);
    served.run(&["delete", &id]).expect(1);
    served.ok(&["unpin", &id]);
    assert_eq!(served.json(&["prune", "--keep", "1", "--dry-run"])["removed"], 0);
    assert!(served.json(&["stats"])["snapshots"].as_u64().unwrap() >= 1);
    assert!(!served.json(&["tasks", "list"])["tasks"].as_array().unwrap().is_empty());
    assert_eq!(served.json(&["audit", "verify"])["valid"], true);
    let events = served.json(&["events", "follow", "--after", "0", "--count", "3"]);
    assert_eq!(events["events"].as_array().unwrap().len(), 3);
    served.ok(&["delete", &id]);
    served.run(&["show", &id, "--quiet"]).expect(1);
}

#[test]
fn the_json_has_the_same_fields_with_a_server_and_without() {
    let served = Served::start();
    let local = Sandbox::new();
    for sandbox in [&served.sandbox, &local] {
        sandbox.write("a.txt", "one\n");
    }
    let both = |arguments: &[&str]| {
        let shapes = [served.json(arguments), local.json(arguments)].map(|value| {
            let mut names = std::collections::BTreeSet::new();
            fields(&value, "", &mut names);
            names
        });
        assert_eq!(shapes[0], shapes[1], "{arguments:?}");
    };
    both(&["save", "--label", "x"]);
    both(&["list"]);
    both(&["show", "latest"]);
    both(&["show", "latest", "--files"]);
    for sandbox in [&served.sandbox, &local] {
        sandbox.write("a.txt", "two\n");
    }
    both(&["diff", "latest"]);
    both(&["restore", "latest", "--dry-run"]);
    both(&["prune", "--dry-run"]);
    both(&["stats"]);
}

#[test]
fn without_a_token_the_answer_says_how_to_get_one() {
    let served = Served::start();
    let ran = Ran::of(served.sandbox.command(&["list"]).env("BACKSTAY_SERVER", &served.url)).expect(1);
    assert!(ran.stderr.contains("BACKSTAY_TOKEN"), "{}", ran.stderr);
    let gone = served.sandbox.run(&["list", "--server", "http://127.0.0.1:1"]).expect(1);
    assert!(gone.stderr.contains("hint:"), "{}", gone.stderr);
    assert!(served.login_link.starts_with(&served.url), "{}", served.login_link);
}

#[test]
fn checkpoints_are_saved_shown_compared_forked_and_cleaned() {
    let served = Served::start();
    let file = served.sandbox.beside("state.json");
    let save = |n: usize| {
        std::fs::write(&file, format!("{{\"iteration\": {n}, \"items\": [{n}]}}")).unwrap();
        let step = format!("step_{n}");
        served.ok(&["checkpoint", "save", "--job", "../demo", "--step", &step, file.to_str().unwrap()])
    };
    let ids: Vec<String> = (0..3).map(save).collect();
    let list = served.json(&["checkpoint", "list", "--job", "../demo"]);
    assert_eq!((&list["total"], &list["checkpoints"][1]["checkpoint_id"]), (&3.into(), &ids[1].as_str().into()));
    assert!(served.ok(&["checkpoint", "list", "--job", "../demo"]).contains("step_2"));
    assert_eq!(served.ok(&["checkpoint", "show", "--job", "../demo"]), "{\"iteration\": 2, \"items\": [2]}");
    let restored = served.ok(&["checkpoint", "restore", "--checkpoint", &ids[1]]);
    assert_eq!(restored, "{\"iteration\": 1, \"items\": [1]}");
    served.run(&["checkpoint", "restore", "--checkpoint", &ids[1], "--resume"]).expect(1);
    let diff = served.json(&["checkpoint", "diff", &ids[0], &ids[2]]);
    let patch = served.sandbox.beside("patch.json");
    std::fs::write(&patch, diff["patch"].to_string()).unwrap();
    let fork = ["checkpoint", "fork", "--checkpoint", &ids[0], "--to", "retry", "--patch", patch.to_str().unwrap()];
    let fork = served.ok(&fork);
    assert_eq!(served.json(&["checkpoint", "diff", &fork, &ids[2]])["identical"], true);
    let export = served.sandbox.beside("export.jsonl");
    served.ok(&["checkpoint", "export", "--job", "../demo", export.to_str().unwrap()]);
    served.ok(&["checkpoint", "import", "--job", "copy", export.to_str().unwrap()]);
    assert_eq!(served.json(&["checkpoint", "list", "--job", "copy"])["total"], 3);
    let cleaned = served.json(&["checkpoint", "cleanup", "--job", "../demo", "--keep", "1", "--dry-run"]);
    assert_eq!((&cleaned["deleted_count"], &cleaned["kept_count"]), (&2.into(), &1.into()));
    served.ok(&["checkpoint", "delete", "--checkpoint", &ids[0]]);
    served.run(&["checkpoint", "delete", "--checkpoint", &ids[0]]).expect(1);
}
