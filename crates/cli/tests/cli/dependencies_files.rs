//! What `graft.yaml` and `graft.lock` are before and after, in every form that there is.

use serde_json::json;

use crate::dependencies::Scene;

/// A lock of version 2: `sub` is a dependency of `kb`.
fn second_version(scene: &Scene) -> String {
    let entry = |name: &str, source: &str, direct: bool, commit: &str| {
        format!(
            "  {name}:\n    source: {source}\n    ref: v1\n    commit: {commit}\n    \
             consumed_at: 2026-01-02T03:04:05\n    direct: {direct}\n    requires: []\n    required_by: []\n"
        )
    };
    let source = scene.kb().display().to_string();
    let (kb, sub) = (scene.commit_of("v1"), "0".repeat(40));
    format!(
        "apiVersion: graft/v0\ndependencies:\n{}{}",
        entry("kb", &source, true, &kb),
        entry("sub", "https://example.org/sub", false, &sub)
    )
}

#[test]
fn an_old_lock_becomes_a_new_one_and_what_it_loses_is_named() {
    for command in [
        &["apply", "kb", "--to", "v2"][..],
        &["resolve"],
        &["validate", "--fix"],
        &["remove", "kb"],
        &["upgrade", "kb", "--to", "v3"],
    ] {
        let scene = Scene::new();
        scene.add("v1");
        scene.sandbox.write("graft.lock", second_version(&scene));
        let said = scene.run(command).expect(0);
        assert!(
            said.stdout.contains("Dropped from graft.lock: sub") || said.stderr.contains("sub: dropped"),
            "{command:?}: {}{}",
            said.stdout,
            said.stderr
        );
        let lock = scene.sandbox.read("graft.lock");
        assert!(lock.starts_with("apiVersion: graft/v0\ndependencies:"), "{command:?}: {lock}");
        assert!(!lock.contains("sub") && !lock.contains("direct"), "{command:?}: {lock}");
    }
}

#[test]
fn a_time_changes_only_with_its_entry() {
    let scene = Scene::new();
    scene.add("v1");
    scene.run(&["add", "second", &scene.source("v1")]).expect(0);
    let old = scene.sandbox.read("graft.lock").replace("consumed_at: \"2", "consumed_at: \"1");
    scene.sandbox.write("graft.lock", &old);
    scene.run(&["apply", "second", "--to", "v2"]).expect(0);
    let times = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.contains("consumed_at")).map(str::to_owned).collect()
    };
    let (before, after) = (times(&old), times(&scene.sandbox.read("graft.lock")));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    let lock = scene.sandbox.read("graft.lock");
    scene.run(&["resolve"]).expect(0);
    assert_eq!(scene.sandbox.read("graft.lock"), lock);
}

#[test]
fn comments_quotes_line_ends_and_order_stay() {
    let scene = Scene::new();
    let url = scene.kb().display().to_string();
    let text = format!(
        "# ours\r\napiVersion: graft/v0   # format\r\ndependencies:\r\n  # second\r\n  b:\r\n    ref: 'v1'   # pinned\r\n    source: {url}\r\n\r\n  a: \"{url}#v1\"\r\nmetadata: {{x: [1, 2]}}\r\n"
    );
    scene.sandbox.write("graft.yaml", &text);
    scene.run(&["resolve"]).expect(0);
    assert_eq!(scene.sandbox.read("graft.yaml"), text);
    scene.run(&["apply", "b", "--to", "v2"]).expect(0);
    assert_eq!(scene.sandbox.read("graft.yaml"), text.replace("'v1'", "'v2'"));
    scene.run(&["upgrade", "a", "--to", "v3"]).expect(0);
    let both = text.replace("'v1'", "'v2'").replace("#v1\"", "#v3\"");
    assert_eq!(scene.sandbox.read("graft.yaml"), both);
    scene.run(&["remove", "a"]).expect(0);
    assert_eq!(scene.sandbox.read("graft.yaml"), both.replace(&format!("  a: \"{url}#v3\"\r\n"), ""));
}

#[test]
fn validate_tells_each_part_in_one_shape() {
    let scene = Scene::new();
    scene.sandbox.write("graft.yaml", "apiVersion: graft/v0\n");
    let empty = scene.run(&["validate"]).expect(1);
    assert!(empty.stdout.contains("No dependencies defined"), "{}", empty.stdout);
    scene.sandbox.write("graft.yaml", "apiVersion: graft/v9\nchanges: {v1: }\nodd: 1\n");
    let only_changes = scene.run(&["validate"]).expect(0);
    assert!(only_changes.stdout.contains("Schema is valid"), "{}", only_changes.stdout);
    for warning in ["graft/v9", "odd", "graft.lock not found"] {
        assert!(only_changes.stderr.contains(warning), "{warning}: {}", only_changes.stderr);
    }
    scene.run(&["validate", "--lock"]).expect(0);
    let integrity = scene.run(&["validate", "--integrity", "--json"]).expect(1).json();
    assert_eq!(integrity["integrity"]["valid"], false);
    scene.run(&["validate", "--config", "--lock"]).expect(2);
    scene.graft(&["validate", "--config", "--lock"]).expect(1);

    std::fs::remove_file(scene.sandbox.root().join("graft.yaml")).unwrap();
    scene.add("v1");
    let good = scene.run(&["validate", "--json"]).expect(0).json();
    let commit = scene.commit_of("v1");
    assert_eq!((&good["config"]["valid"], &good["config"]["errors"]), (&json!(true), &json!([])));
    assert_eq!((&good["lock"]["valid"], &good["overall"]), (&json!(true), &json!(true)));
    assert_eq!(
        good["integrity"]["results"],
        json!([{"name": "kb", "valid": true, "expected_commit": commit, "actual_commit": commit,
            "message": "Commit matches"}])
    );
    scene.git(&scene.sandbox.root().join(".graft/kb"), &["checkout", "--quiet", "v3"]);
    let bad = scene.run(&["validate", "--json"]).expect(2).json();
    assert_eq!(bad["integrity"]["results"][0]["actual_commit"], json!(scene.commit_of("v3")));
    scene.graft(&["validate", "--integrity"]).expect(2);
    let yaml = scene.sandbox.read("graft.yaml");
    scene.sandbox.write("graft.yaml", format!("{yaml}dependencies: {{KB: '../kb#v1'}}\n"));
    let twice = scene.run(&["validate", "--config"]).expect(1);
    assert!(twice.stdout.contains("is declared in line"), "{}", twice.stdout);
}

#[test]
fn what_is_asked_is_answered_in_the_shape_of_the_contract() {
    let scene = Scene::new();
    let none = scene.run(&["status", "kb", "--json"]).expect(0).json();
    assert_eq!(none, json!({"dependencies": {}}));
    scene.add("v1");
    let status = scene.run(&["status", "--json"]).expect(0).json();
    let keys: Vec<&String> = status["dependencies"]["kb"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["commit", "consumed_at", "current_ref"]);
    let checked = scene.run(&["status", "kb", "--check-updates", "--json"]).expect(0).json();
    assert_eq!(checked["pending_changes"], json!(["v2", "v3"]));
    let list = scene.run(&["changes", "kb", "--from-ref", "v1", "--to-ref", "v2", "--json"]).expect(0).json();
    let change =
        json!({"ref": "v2", "type": "breaking", "description": "To 2", "migration": "m", "verify": null});
    assert_eq!(list, json!({"dependency": "kb", "from": "v1", "to": "v2", "changes": [change]}));
    assert_eq!(
        scene.run(&["changes", "kb", "--json"]).expect(0).json()["changes"].as_array().unwrap().len(),
        3
    );
    assert_eq!(scene.run(&["changes", "kb", "--type", "fix"]).expect(0).stdout, "No changes found\n");
    let shown = scene.run(&["show", "kb@v2", "--json"]).expect(0).json();
    let migration = json!({"name": "m", "command": "true", "description": "Moves", "working_dir": null});
    assert_eq!(
        shown,
        json!({"dependency": "kb", "ref": "v2", "type": "breaking", "description": "To 2",
            "migration": migration, "verify": null})
    );
    scene.run(&["status", "gone"]).expect(1);
    let error = scene.run(&["show", "kb@v9", "--json"]).expect(1).json();
    assert!(error["error"].as_str().unwrap().contains("Change not found: v9"), "{error}");
    assert_eq!(error["code"], "not_found");
}

#[test]
fn a_command_that_can_do_nothing_makes_nothing() {
    let scene = Scene::new();
    for command in [
        &["resolve"][..],
        &["sync"],
        &["apply", "kb", "--to", "v2"],
        &["upgrade", "kb", "--to", "v2"],
        &["validate", "--fix"],
    ] {
        let said = scene.run(command).expect(1);
        assert!(said.stderr.contains("not found"), "{command:?}: {}", said.stderr);
    }
    let plain = scene.sandbox.beside("plain");
    std::fs::create_dir(&plain).unwrap();
    let said = scene.run_in(&plain, &["deps", "add", "kb", &scene.source("v1")]).expect(1);
    assert!(said.stderr.contains("git init"), "{}", said.stderr);
    assert!(!scene.sandbox.root().join(".backstay").exists() && !plain.join(".backstay").exists());
}
