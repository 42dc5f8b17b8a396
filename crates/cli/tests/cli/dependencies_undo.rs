//! Undo of what changes dependencies without their commands: what it says of git's own files goes back, too.

use std::fs;

use crate::dependencies::Scene;

/// Everything that a change of dependencies can touch, as text; what is not there is not in it.
pub(crate) fn everything(scene: &Scene) -> Vec<(String, String)> {
    let root = scene.sandbox.root();
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            if name == ".git" || name == ".backstay" {
                continue;
            }
            if path.is_dir() {
                open.push(path);
                found.push((name, "a directory".to_owned()));
            } else {
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    let git = |arguments: &[&str]| scene.git(&root, arguments);
    found.push(("index".to_owned(), git(&["ls-files", "--stage"])));
    found.push(("status".to_owned(), git(&["status", "--porcelain", "--untracked-files=all"])));
    found.push(("settings".to_owned(), git(&["config", "--local", "--list"])));
    for name in ["kb", "tools"] {
        let store = root.join(".git/modules/.graft").join(name);
        if !store.join("HEAD").exists() {
            continue;
        }
        found.push((format!("{name} HEAD"), fs::read_to_string(store.join("HEAD")).unwrap()));
        let checkout = root.join(".graft").join(name);
        if checkout.join(".git").exists() {
            found.push((format!("{name} status"), scene.git(&checkout, &["status", "--porcelain"])));
            found.push((format!("{name} index"), scene.git(&checkout, &["ls-files", "--stage"])));
        }
    }
    found.sort();
    found
}

#[track_caller]
pub(crate) fn assert_same(wanted: &[(String, String)], scene: &Scene, when: &str) {
    let found = everything(scene);
    let lost: Vec<_> = wanted.iter().filter(|entry| !found.contains(entry)).collect();
    let new: Vec<_> = found.iter().filter(|entry| !wanted.contains(entry)).collect();
    assert!(lost.is_empty() && new.is_empty(), "{when}: lost {lost:#?}, new {new:#?}");
}

/// Does something, undoes it, and redoes it, and looks each time at everything.
#[track_caller]
fn there_and_back(scene: &Scene, arguments: &[&str]) {
    let before = everything(scene);
    scene.run(arguments).expect(0);
    let after = everything(scene);
    assert_ne!(before, after, "{arguments:?} changed nothing");
    for round in 0..2 {
        scene.sandbox.run(&["undo"]).expect(0);
        assert_same(&before, scene, &format!("{arguments:?}, undone, round {round}"));
        scene.sandbox.run(&["undo"]).expect(0);
        assert_same(&after, scene, &format!("{arguments:?}, redone, round {round}"));
    }
}

/// Takes the source away: nothing can be fetched any more.
fn without_source(scene: &Scene) {
    fs::rename(scene.kb(), scene.sandbox.beside("elsewhere")).unwrap();
}

#[test]
fn an_added_dependency_goes_and_comes_back_without_its_source() {
    let scene = Scene::new();
    scene.sandbox.write("README", "read me\n");
    scene.git(&scene.sandbox.root(), &["add", "README"]);
    let before = everything(&scene);
    scene.add("v2");
    let after = everything(&scene);
    without_source(&scene);
    scene.sandbox.run(&["undo"]).expect(0);
    assert_same(&before, &scene, "undone");
    assert!(!scene.sandbox.root().join(".git/modules/.graft/kb").exists());
    scene.sandbox.run(&["undo"]).expect(0);
    assert_same(&after, &scene, "redone");
    scene.run(&["validate", "--integrity"]).expect(0);
    scene.run(&["sync"]).expect(0);
    // And once more in both directions.
    scene.sandbox.run(&["undo"]).expect(0);
    assert_same(&before, &scene, "undone again");
    scene.sandbox.run(&["undo"]).expect(0);
    assert_same(&after, &scene, "redone again");
}

#[test]
fn apply_resolve_fix_and_sync_go_back_to_what_was_there() {
    let scene = Scene::new();
    scene.add("v1");
    scene.git(&scene.sandbox.root(), &["commit", "--quiet", "--message=depend"]);
    there_and_back(&scene, &["apply", "kb", "--to", "v3"]);
    let yaml = scene.sandbox.read("graft.yaml");
    scene.sandbox.write("graft.yaml", yaml.replace("#v3", "#v2"));
    there_and_back(&scene, &["resolve", "--force-yaml"]);

    // A lock of an older program is written anew.
    let (commit, source) = (scene.commit_of("v2"), scene.kb().display().to_string());
    let old = format!(
        "version: 1\ndependencies:\n  kb:\n    source: \"{source}\"\n    ref: \"v2\"\n    commit: \"{commit}\"\n    \
         consumed_at: \"2026-01-01T00:00:00Z\"\n"
    );
    scene.sandbox.write("graft.lock", old);
    there_and_back(&scene, &["validate", "--fix"]);

    // A checkout that is gone, and one at another commit.
    fs::remove_dir_all(scene.sandbox.root().join(".graft/kb")).unwrap();
    there_and_back(&scene, &["sync"]);
    scene.git(&scene.sandbox.root().join(".graft/kb"), &["checkout", "--quiet", "main"]);
    there_and_back(&scene, &["sync"]);
}

#[test]
fn several_dependencies_that_are_new_and_old_go_back_together() {
    let scene = Scene::new();
    scene.add("v1");
    let tools = scene.sandbox.beside("tools");
    scene.git(&scene.kb(), &["clone", "--quiet", ".", tools.to_str().unwrap()]);
    let yaml = scene.sandbox.read("graft.yaml").replace("#v1", "#v2");
    scene.sandbox.write("graft.yaml", format!("{yaml}  tools: \"{}#v3\"\n", tools.display()));
    there_and_back(&scene, &["resolve"]);
}

#[test]
fn a_removed_dependency_comes_back_with_what_existed_nowhere_else() {
    let scene = Scene::new();
    scene.add("v1");
    let root = scene.sandbox.root();
    scene.git(&root, &["commit", "--quiet", "--message=depend"]);
    let checkout = root.join(".graft/kb");
    scene.git(&checkout, &["checkout", "--quiet", "-b", "mine"]);
    fs::write(checkout.join("mine.txt"), "committed\n").unwrap();
    scene.git(&checkout, &["add", "mine.txt"]);
    scene.git(&checkout, &["commit", "--quiet", "--message=mine"]);
    let mine = scene.git(&checkout, &["rev-parse", "mine"]);
    fs::write(checkout.join("a.txt"), "dirty\n").unwrap();
    fs::write(checkout.join("new.txt"), "untracked\n").unwrap();
    without_source(&scene);
    scene.run(&["remove", "kb"]).expect(1);
    there_and_back(&scene, &["remove", "kb", "--force"]);
    scene.sandbox.run(&["undo"]).expect(0);
    assert_eq!(scene.git(&checkout, &["rev-parse", "mine"]), mine);
    assert_eq!(scene.git(&checkout, &["symbolic-ref", "HEAD"]), "refs/heads/mine");
    there_and_back(&scene, &["remove", "kb", "--force", "--keep-files"]);
}

#[test]
fn what_was_edited_since_is_a_conflict_and_what_is_elsewhere_survives() {
    let scene = Scene::new();
    scene.add("v1");
    let root = scene.sandbox.root();
    scene.sandbox.write("README", "read me\n");
    scene.run(&["apply", "kb", "--to", "v2"]).expect(0);
    let refused = |what: &str| {
        let before = everything(&scene);
        let said = scene.sandbox.run(&["undo", "--json"]).expect(1).json();
        assert_eq!(said["code"], "conflict", "{said}");
        assert!(said["error"].as_str().unwrap().contains(what), "{said}");
        assert_same(&before, &scene, what);
    };
    let yaml = scene.sandbox.read("graft.yaml");
    scene.sandbox.write("graft.yaml", format!("# mine\n{yaml}"));
    refused("graft.yaml");
    scene.sandbox.write("graft.yaml", &yaml);

    scene.sandbox.write(".graft/kb/a.txt", "mine\n");
    refused(".graft/kb/a.txt");
    scene.sandbox.write(".graft/kb/a.txt", "2\n");

    scene.git(&root.join(".graft/kb"), &["checkout", "--quiet", "v3"]);
    refused(".graft/kb");
    scene.git(&root.join(".graft/kb"), &["checkout", "--quiet", "--detach", "v2"]);

    scene.git(&root, &["rm", "--quiet", "--cached", "graft.lock"]);
    refused("graft.lock");
    scene.git(&root, &["add", "graft.lock"]);

    // What the change has nothing to do with stays, in the index, too.
    scene.git(&root, &["add", "README"]);
    scene.sandbox.write("README", "edited\n");
    scene.sandbox.run(&["undo"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    assert_eq!(scene.sandbox.read("README"), "edited\n");
    assert!(scene.status_of_git().contains("AM README"), "{}", scene.status_of_git());
}

#[test]
fn a_new_file_in_an_added_checkout_is_not_lost_without_force() {
    let scene = Scene::new();
    scene.add("v1");
    scene.sandbox.write(".graft/kb/notes", "mine\n");
    let said = scene.sandbox.run(&["undo", "--json"]).expect(1).json();
    assert_eq!(said["code"], "conflict", "{said}");
    assert_eq!(scene.sandbox.read(".graft/kb/notes"), "mine\n");
    scene.sandbox.run(&["undo", "--force"]).expect(0);
    assert!(!scene.sandbox.root().join(".graft").exists());
    // It is in the undo point.
    scene.sandbox.run(&["undo"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/notes"), "mine\n");
}

#[test]
fn the_state_of_sequences_does_not_keep_an_added_dependency() {
    let scene = Scene::new();
    scene.add("v1");
    let yaml = scene.sandbox.read("graft.yaml");
    scene
        .sandbox
        .write("graft.yaml", format!("{yaml}commands: {{c: {{run: 'true'}}}}\nsequences: {{s: [c]}}\n"));
    scene.run(&["run", "s"]).expect(0);
    scene.sandbox.write("graft.yaml", &yaml);
    assert!(scene.sandbox.root().join(".graft/run-state").exists());
    scene.sandbox.run(&["undo"]);
    assert!(!scene.sandbox.root().join(".graft/kb").exists());
    assert!(!scene.sandbox.root().join("graft.yaml").exists());
    assert!(scene.sandbox.root().join(".graft/run-state").exists());
}

#[test]
fn what_is_set_aside_is_kept_for_the_operations_that_undo_keeps() {
    let scene = Scene::new();
    let kept = || fs::read_dir(scene.sandbox.root().join(".backstay/kept")).map_or(0, Iterator::count);
    let run = |arguments: &[&str]| {
        let mut all = vec!["deps"];
        all.extend(arguments);
        let mut command = scene.sandbox.command(&all);
        crate::sandbox::Ran::of(scene.isolated(command.env("BACKSTAY_UNDO_KEEP", "2"))).expect(0);
    };
    scene.add("v1");
    assert_eq!(kept(), 0);
    run(&["remove", "kb"]);
    assert_eq!(kept(), 1);
    run(&["add", "kb", &scene.source("v1")]);
    assert_eq!(kept(), 1);
    run(&["apply", "kb", "--to", "v2"]);
    assert_eq!(kept(), 0);
    let all = scene.sandbox.run(&["list", "--all", "--json"]).expect(0).json();
    let ready = all["snapshots"].as_array().unwrap().iter().filter(|snapshot| snapshot["state"] == "ready");
    assert_eq!(ready.count(), 2, "{all}");
}
