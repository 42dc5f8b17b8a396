//! Which changes lie on the way, with a real history.

use crate::support::{Scene, name, reference};
use backstay_dependencies::DependencyError;
use backstay_dependencies::git::Ancestry;
use backstay_dependencies::plan::{self, Target};
use backstay_dependencies::query::{self, ChangeFilter};

#[test]
fn every_change_after_the_current_one_comes_in_order() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    let (kb, store) = (name("kb"), scene.workspace.required_store(&name("kb")).unwrap());
    let current = store.head().unwrap().unwrap();
    let target = Target::resolve(&store, &kb, &reference("v3"), Some(&current)).unwrap();
    assert_eq!(target.ancestry, Some(Ancestry::Newer));
    assert_eq!(target.declared().unwrap().migration.as_deref(), Some("m3"));
    let plan = plan::between(&store, &kb, &target.declarations, Some(&current), &target.commit).unwrap();
    let refs: Vec<_> = plan.changes.iter().map(|planned| planned.change.reference.as_str()).collect();
    assert_eq!(refs, ["v2", "v3"]);
    let all = plan::between(&store, &kb, &target.declarations, None, &target.commit).unwrap();
    assert_eq!(all.changes.len(), 3);
}

#[test]
fn ancestry_comes_before_the_order_of_the_file_and_unknown_refs_are_named() {
    let scene = Scene::new();
    let text = "apiVersion: graft/v0\nchanges: {v3: , side: , gone: , v2: , v1: }\n";
    scene.git("kb", &["checkout", "--quiet", "-b", "fork", "v1"]);
    scene.write("kb/side.txt", "side");
    scene.git("kb", &["add", "--all"]);
    scene.git("kb", &["commit", "--quiet", "--message=side"]);
    scene.git("kb", &["tag", "side"]);
    scene.git("kb", &["checkout", "--quiet", "main"]);
    scene.git("kb", &["merge", "--quiet", "--no-ff", "--message=merge", "side"]);
    scene.write("kb/graft.yaml", text);
    scene.git("kb", &["commit", "--quiet", "--all", "--message=last"]);
    scene.declare("v1");
    scene.resolve();
    let (kb, store) = (name("kb"), scene.workspace.required_store(&name("kb")).unwrap());
    let current = store.head().unwrap().unwrap();
    let target = Target::resolve(&store, &kb, &reference("main"), Some(&current)).unwrap();
    assert!(matches!(target.declared(), Err(DependencyError::ChangeNotFound { .. })));
    let plan = plan::between(&store, &kb, &target.declarations, Some(&current), &target.commit).unwrap();
    let refs: Vec<_> = plan.changes.iter().map(|planned| planned.change.reference.as_str()).collect();
    assert_eq!(refs, ["side", "v2", "v3"]);
    assert_eq!(plan.unresolvable, [reference("gone")]);
}

#[test]
fn the_old_checkout_needs_no_declaration_of_the_new_change() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    assert!(!scene.read("app/.graft/kb/graft.yaml").contains("v3"));
    let shown = query::show(&scene.workspace, &name("kb"), &reference("v3")).unwrap();
    assert_eq!(shown.migration.unwrap().name, "m3");
    let filter = ChangeFilter { from: Some(reference("v1")), ..ChangeFilter::default() };
    let list = query::changes(&scene.workspace, &name("kb"), &filter).unwrap();
    assert_eq!(list.changes.len(), 2);
    let status = query::status(&scene.workspace, None, true, false).unwrap();
    let json = serde_json::to_value(&status).unwrap();
    let kb = &json["dependencies"]["kb"];
    assert_eq!((kb["has_update"].as_bool(), kb["available"].as_str()), (Some(true), Some("v3")));
    assert_eq!(kb["pending_changes"], serde_json::json!(["v2", "v3"]));
}

#[test]
fn an_older_target_is_told() {
    let scene = Scene::new();
    scene.declare("v3");
    scene.resolve();
    let store = scene.workspace.required_store(&name("kb")).unwrap();
    let current = store.head().unwrap().unwrap();
    let target = Target::resolve(&store, &name("kb"), &reference("v1"), Some(&current)).unwrap();
    assert_eq!(target.ancestry, Some(Ancestry::Older));
}
