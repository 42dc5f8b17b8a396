//! Upgrades that succeed, and those that have nothing to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::scene::{Scene, Version};

#[test]
fn every_migration_on_the_way_runs_in_order_and_everything_moves_together() {
    let scene = Scene::new();
    let report = scene.upgrade(&["kb", "--to", "v4"], 0);
    assert_eq!((&report["success"], &report["changed"]), (&true.into(), &true.into()), "{report}");
    assert_eq!(report["from"]["ref"], "v1");
    assert_eq!(report["to"]["commit"], scene.commit_of("v4").as_str());
    let steps: Vec<(&str, &str, &str)> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let text = |key: &str| step[key].as_str().unwrap();
            assert_eq!(step["exit_code"], 0);
            (text("change"), text("kind"), text("name"))
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("v2", "migration", "migration-v2"),
            ("v3", "migration", "migration-v3"),
            ("v4", "migration", "migration-v4"),
            ("v4", "verify", "verify-v4"),
        ]
    );
    assert_eq!(scene.read("migrated"), "v2\nv3\nv4\n");
    assert_eq!((&report["snapshot_id"], &report["rollback"]), (&().into(), &().into()));
    scene.assert_at("v4");
    let staged = scene.git(&scene.root(), &["diff", "--cached", "--name-only"]);
    assert_eq!(staged, ".graft/kb\ngraft.lock\ngraft.yaml");
    let again = scene.upgrade(&["kb", "--to", "v4"], 0);
    assert_eq!((&again["changed"], &again["operation_id"]), (&false.into(), &().into()));
    let said = scene.run(&["upgrade", "kb", "--latest"]).expect(0);
    assert!(said.stdout.contains("already") || said.stdout.contains("nothing"), "{}", said.stdout);
}

#[test]
fn the_text_of_a_success_is_what_scripts_look_for() {
    let scene = Scene::new();
    let said = scene.run(&["upgrade", "kb", "--latest"]).expect(0).stdout;
    assert!(said.contains("✓ Upgrade complete") && said.contains("Updated graft.lock: kb@v4"), "{said}");
    scene.assert_at("v4");
}

#[test]
fn a_lock_of_version_1_becomes_one_of_version_3_at_the_root() {
    let scene = Scene::new();
    let url = scene.beside("kb").display().to_string();
    let commit = scene.commit_of("v1");
    scene.write(
        "graft.lock",
        format!("version: 1\ndependencies:\n  kb:\n    source: \"{url}\"\n    ref: v1\n    commit: {commit}\n    consumed_at: \"2026-01-03T10:00:00Z\"\n"),
    );
    scene.write("src/deep/x", "x");
    let plan = scene.run(&["upgrade", "kb", "--to", "v4", "--dry-run", "--json"]).expect(0).json();
    let plan = plan["plan_id"].as_str().unwrap().to_owned();
    let mut command = scene.command(&["upgrade", "kb", "--to", "v2"]);
    let output = command.current_dir(scene.root().join("src/deep")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(scene.read("graft.lock").starts_with("apiVersion: graft/v0\n"));
    assert!(!scene.root().join("src/deep/graft.lock").exists());
    let stale = scene.run(&["upgrade", "--plan", &plan, "--json"]).expect(1).json();
    assert_eq!(stale["code"], "stale_plan");
    scene.assert_nothing_left();
}

#[test]
fn a_plan_runs_nothing_and_is_executed_once() {
    let scene = Scene::new();
    let before = scene.picture();
    let plan = scene.run(&["upgrade", "kb", "--to", "v4", "--dry-run", "--json"]).expect(0).json();
    before.assert_same(&scene.picture(), "after a dry run");
    assert_eq!(plan["moves"][0]["changes"].as_array().unwrap().len(), 3);
    for digest in ["yaml", "lock", "gitlink", "head"] {
        assert!(plan["digests"][digest].is_string(), "{plan}");
    }
    let id = plan["plan_id"].as_str().unwrap();
    scene.upgrade(&["--plan", id], 0);
    scene.assert_at("v4");
    assert_eq!(scene.run(&["upgrade", "--plan", id, "--json"]).expect(1).json()["code"], "stale_plan");
}

#[test]
fn targets_that_cannot_be_are_refused_before_anything_happens() {
    let scene = Scene::new();
    let source = scene.beside("kb");
    fs::write(source.join("more"), "x").unwrap();
    scene.git(&source, &["add", "--all"]);
    scene.git(&source, &["commit", "--quiet", "-m", "undeclared"]);
    scene.git(&source, &["tag", "loose"]);
    let before = (scene.picture(), scene.pins());
    let said = scene.run(&["upgrade", "kb", "--to", "loose"]).expect(1);
    assert!(said.stderr.contains("Change not found: loose"), "{}", said.stderr);
    for bad in ["--upload-pack=x", "../../etc/passwd", "nothing-like-it"] {
        assert_ne!(scene.run(&["upgrade", "kb", &format!("--to={bad}")]).code, 0, "{bad}");
    }
    for bad in ["..", "/etc", "nobody"] {
        assert_ne!(scene.run(&["upgrade", bad, "--to", "v2"]).code, 0, "{bad}");
    }
    before.0.assert_same(&scene.picture(), "after refusals");
    assert_eq!(scene.pins(), before.1);
    scene.upgrade(&["kb", "--to", "v4"], 0);
    let older = scene.run(&["upgrade", "kb", "--to", "v2", "--json"]).expect(1).json();
    assert_eq!(older["code"], "downgrade");
    scene.upgrade(&["kb", "--to", "v2", "--allow-downgrade"], 0);
    assert_eq!(scene.pins().head, scene.commit_of("v2"));
}

#[test]
fn commands_see_the_dependency_at_its_target_and_know_where_they_are() {
    let look = "test \"$PWD\" = \"$CONSUMER_ROOT\" && test \"$DEP_ROOT\" = \"$CONSUMER_ROOT/.graft/kb\" \
                && test \"$(cat \"$DEP_ROOT/current.txt\")\" = v2 && test ! -e .graft/kb/never \
                && git -C .graft/kb rev-parse HEAD > at";
    let scene = Scene::of(look, Some("test -s at"));
    scene.upgrade(&["kb", "--to", "v2"], 0);
    assert_eq!(scene.read("at").trim(), scene.commit_of("v2"));
    scene.assert_at("v2");
}

#[test]
fn a_dirty_workspace_keeps_its_edits_and_a_dirty_dependency_is_refused() {
    let scene = Scene::of("echo migrated > new", None);
    scene.write("README", "edited before\n");
    scene.write("untracked", "mine\n");
    scene.git(&scene.root(), &["add", "README"]);
    scene.write(".graft/kb/current.txt", "edited");
    let pins = scene.pins();
    let report = scene.upgrade(&["kb", "--to", "v2"], 1);
    assert!(report["error"].as_str().unwrap().contains("current.txt"), "{report}");
    assert_eq!(scene.pins(), pins);
    scene.git(&scene.root().join(".graft/kb"), &["checkout", "--quiet", "--", "."]);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    scene.assert_at("v2");
    assert_eq!(
        (scene.read("README").as_str(), scene.read("untracked").as_str()),
        ("edited before\n", "mine\n")
    );
    let staged = scene.git(&scene.root(), &["diff", "--cached", "--name-only"]);
    assert_eq!(staged, ".graft/kb\nREADME\ngraft.lock\ngraft.yaml");
}

#[test]
fn what_a_migration_creates_deletes_and_retypes_arrives() {
    let script = "rm -r data && mkdir -p data/new && echo 1 > data/new/file && rm README && ln -s tool README \
                  && chmod 700 tool && rmdir empty && echo gone > empty";
    let scene = Scene::of(script, None);
    let report = scene.upgrade(&["kb", "--to", "v2"], 0);
    scene.assert_at("v2");
    assert!(!scene.root().join("data/a").exists());
    assert_eq!(scene.read("data/new/file"), "1\n");
    assert!(scene.root().join("README").is_symlink());
    assert_eq!(scene.read("empty"), "gone\n");
    assert_eq!(fs::metadata(scene.root().join("tool")).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(report["changed_paths"]["deleted"].as_u64().unwrap() >= 2, "{report}");
}

#[test]
fn checks_of_every_change_run_when_they_are_asked_for() {
    let scene = Scene::with(&[
        Version { tag: "v1", migration: None, verify: None },
        Version { tag: "v2", migration: Some("echo m2 >> order"), verify: Some("echo c2 >> order") },
        Version { tag: "v3", migration: Some("echo m3 >> order"), verify: Some("echo c3 >> order") },
    ]);
    scene.upgrade(&["kb", "--to", "v3", "--verify-each"], 0);
    assert_eq!(scene.read("order"), "m2\nc2\nm3\nc3\n");
}

#[test]
fn what_a_plan_is_bound_to_is_shown_and_nothing_can_be_added_to_it() {
    let scene = Scene::new();
    let said = scene.run(&["upgrade", "kb", "--to", "v4", "--dry-run"]).expect(0).stdout;
    for part in [
        "state 0",
        "graft.yaml ",
        "graft.lock ",
        "gitlink ",
        "HEAD ",
        "plan plan-",
        "migration `migration-v3`",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    for more in ["--dry-run", "--skip-migration", "--in-place", "--keep-snapshot", "--no-stage"] {
        scene.run(&["upgrade", "--plan", "plan-x", more]).expect(2);
    }
}

#[test]
fn a_declared_ref_that_means_nothing_is_named() {
    let scene = Scene::new();
    let source = scene.beside("kb");
    let text = fs::read_to_string(source.join("graft.yaml")).unwrap();
    fs::write(source.join("graft.yaml"), text.replace("changes:\n", "changes:\n  v0-lost:\n    type: fix\n"))
        .unwrap();
    scene.git(&source, &["commit", "--quiet", "--all", "-m", "a lost ref"]);
    scene.git(&source, &["tag", "--force", "v4"]);
    let said = scene.run(&["upgrade", "kb", "--to", "v4"]).expect(0).stdout;
    assert!(said.contains("v0-lost is declared and means no commit"), "{said}");
}

#[test]
fn edits_that_are_not_staged_keep_us_out_of_the_index() {
    let scene = Scene::new();
    let yaml = scene.read("graft.yaml");
    scene.write("graft.yaml", format!("{yaml}# by hand\n"));
    let report = scene.upgrade(&["kb", "--to", "v4"], 0);
    assert_eq!(report["not_staged"], true, "{report}");
    let staged = scene.git(&scene.root(), &["diff", "--cached", "--name-only"]);
    assert_eq!(staged, "");
    assert!(scene.read("graft.yaml").contains("#v4\"") && scene.read("graft.yaml").contains("# by hand"));
}
