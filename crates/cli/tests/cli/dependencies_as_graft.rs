//! The name `graft`: the texts, flags and exit codes that scripts know.

use serde_json::json;

use crate::dependencies::Scene;

#[test]
fn the_name_graft_answers_as_graft_does() {
    let scene = Scene::new();
    scene.graft(&["add", "kb", &scene.source("v1")]).expect(0);
    assert!(scene.graft(&["status"]).expect(0).stdout.starts_with("kb: v1"));
    assert!(scene.graft(&["kb:where"]).expect(0).stdout.contains(".graft/kb"));
    let bad = scene.graft(&["status", "--format", "xml"]).expect(1);
    assert!(bad.stderr.starts_with("Error:"), "{}", bad.stderr);
    scene.graft(&["changes", "kb", "--breaking", "--type", "fix"]).expect(1);
    scene.graft(&["status", "--nonsense"]).expect(2);
    assert!(scene.graft(&["init"]).expect(2).stderr.contains("not provided"));
    assert!(scene.graft(&["status", "gone"]).expect(1).stderr.starts_with("Error:"));
}

#[test]
fn an_upgrade_under_that_name_moves_everything() {
    let scene = Scene::new();
    scene.add("v1");
    let plan = scene.graft(&["upgrade", "kb", "--to", "v3", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(plan["moves"][0]["changes"].as_array().unwrap().len(), 2);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    let said = scene.graft(&["upgrade", "kb", "--to", "v3"]).expect(0);
    assert!(said.stdout.contains("✓ Upgrade complete\n"), "{}", said.stdout);
    assert!(said.stdout.contains("Updated graft.lock: kb@v3\n"), "{}", said.stdout);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "3\n");
    assert!(scene.sandbox.read("graft.yaml").contains("#v3"));
    let root = scene.sandbox.root();
    let commit = scene.commit_of("v3");
    assert_eq!(scene.git(&root, &["rev-parse", ":.graft/kb"]), commit);
    assert_eq!(scene.git(&root.join(".graft/kb"), &["rev-parse", "HEAD"]), commit);
    let lock = scene.sandbox.read("graft.lock");
    assert_eq!(scene.graft(&["resolve", "--json"]).expect(0).json()["changed"], false);
    assert_eq!(scene.sandbox.read("graft.lock"), lock);
    scene.graft(&["validate", "--integrity"]).expect(0);
    let again = scene.run(&["upgrade", "kb", "--latest", "--json"]).expect(0).json();
    assert_eq!((&again["changed"], &again["steps"]), (&json!(false), &json!([])));
}

#[test]
fn an_upgrade_refuses_what_it_cannot_do_with_1() {
    let scene = Scene::new();
    scene.add("v1");
    for wrong in [
        &["upgrade", "kb"][..],
        &["upgrade", "kb", "--to", "v2", "--latest"],
        &["upgrade", "kb", "--to=--upload-pack=x"],
        &["upgrade", "..", "--to", "v2"],
        &["upgrade", "kb", "--to", "v2", "--migration-timeout", "soon"],
        &["upgrade", "gone", "--to", "v2"],
    ] {
        let said = scene.graft(wrong).expect(1);
        assert!(said.stderr.starts_with("Error:"), "{wrong:?}: {}", said.stderr);
    }
    for undeclared in ["v9", "main"] {
        scene.git(&scene.kb(), &["commit", "--quiet", "--allow-empty", "--message=more"]);
        let said = scene.graft(&["upgrade", "kb", "--to", undeclared]).expect(1);
        assert!(said.stderr.contains(&format!("Change not found: {undeclared}")), "{}", said.stderr);
    }
    scene.graft(&["upgrade", "kb", "--to", "v2", "--nonsense"]).expect(2);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    scene.graft(&["upgrade", "kb", "--to", "main", "--allow-undeclared"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "3\n");
}

#[test]
fn a_fetch_that_reaches_some_sources_is_a_success_under_that_name_alone() {
    let scene = Scene::new();
    scene.add("v1");
    let other = scene.sandbox.beside("other");
    scene.git(&scene.kb(), &["clone", "--quiet", ".", other.to_str().unwrap()]);
    scene.run(&["add", "other", &format!("{}#v1", other.display())]).expect(0);
    std::fs::rename(&other, scene.sandbox.beside("away")).unwrap();
    let said = scene.run(&["fetch"]).expect(3);
    assert!(
        said.stdout.contains("kb: fetched\n") && said.stdout.contains("other: failed\n"),
        "{}",
        said.stdout
    );
    scene.graft(&["fetch"]).expect(0);
    scene.graft(&["fetch", "other"]).expect(1);
    scene.run(&["fetch", "other"]).expect(1);
    std::fs::remove_dir_all(scene.sandbox.root().join(".graft/kb")).unwrap();
    std::fs::remove_dir_all(scene.sandbox.root().join(".git/modules/.graft/kb")).unwrap();
    assert_eq!(scene.graft(&["fetch", "kb"]).expect(0).stdout, "kb: not cloned\n");
    assert_eq!(scene.run(&["fetch", "kb", "--dry-run"]).expect(0).stdout, "kb: not cloned\n");
}
