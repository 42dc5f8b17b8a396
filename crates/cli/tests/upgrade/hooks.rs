//! Hooks around an upgrade.

use crate::scene::Scene;

const HOOKS: &str = "\
hooks:
  before_upgrade: echo before $(cat .graft/kb/current.txt) >> ../hooks
  after_upgrade: echo after $(cat .graft/kb/current.txt) $BACKSTAY_OPERATION_KIND >> ../hooks
  after_rollback: echo back $(cat .graft/kb/current.txt) >> ../hooks
";

fn told(scene: &Scene) -> String {
    std::fs::read_to_string(scene.beside("hooks")).unwrap_or_default()
}

#[test]
fn hooks_run_around_an_upgrade_and_not_when_there_is_nothing_to_do() {
    let scene = Scene::of("touch migrated", None);
    scene.write("backstay.yaml", HOOKS);
    let untrusted = scene.run(&["upgrade", "kb", "--to", "v2", "--dry-run"]).expect(0);
    assert_eq!((told(&scene), untrusted.stderr.contains("hook")), (String::new(), false));
    scene.run(&["trust"]).expect(0);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    assert_eq!(told(&scene), "before v1\nafter v2 upgrade\n");
    scene.upgrade(&["kb", "--to", "v2"], 0);
    assert_eq!(told(&scene), "before v1\nafter v2 upgrade\n");
    scene.assert_at("v2");
}

#[test]
fn after_a_failure_the_hook_finds_everything_as_it_was() {
    let scene = Scene::of("touch migrated", Some("exit 1"));
    scene.write("backstay.yaml", HOOKS);
    scene.run(&["trust"]).expect(0);
    scene.upgrade(&["kb", "--to", "v2"], 1);
    assert_eq!(told(&scene), "before v1\nback v1\n");
    scene.assert_at("v1");
}

#[test]
fn a_hook_that_fails_before_refuses_and_one_that_fails_after_is_3() {
    let scene = Scene::of("touch migrated", None);
    let (before, pins) = (scene.picture(), scene.pins());
    let hooks = "hooks:\n  before_upgrade: echo not now; exit 4\n";
    scene.write("backstay.yaml", hooks);
    scene.run(&["trust"]).expect(0);
    let refused = scene.run(&["upgrade", "kb", "--to", "v2"]).expect(1);
    assert!(refused.stderr.contains("before_upgrade failed with exit code 4"), "{refused:?}");
    assert!(refused.stderr.contains("not now"), "{refused:?}");
    std::fs::remove_file(scene.root().join("backstay.yaml")).unwrap();
    before.assert_same(&scene.picture(), "after a hook refused");
    assert_eq!(scene.pins(), pins);

    scene.write("backstay.yaml", "hooks:\n  after_upgrade: exit 5\n");
    scene.run(&["trust"]).expect(0);
    let warned = scene.run(&["upgrade", "kb", "--to", "v2"]).expect(3);
    assert!(warned.stdout.contains("✓ Upgrade complete"), "{warned:?}");
    assert!(warned.stderr.contains("after_upgrade failed with exit code 5"), "{warned:?}");
    scene.assert_at("v2");
}

#[test]
fn what_a_migration_does_to_an_excluded_path_arrives_and_undo_leaves_it() {
    let scene = Scene::of("echo new > cache/a; echo new > cache/b; rm cache/c", None);
    scene.write(".backstayignore", "cache/\n");
    scene.write("cache/a", "old\n");
    scene.write("cache/c", "old\n");
    scene.run(&["save"]).expect(0);
    scene.upgrade(&["kb", "--to", "v2"], 0);
    assert_eq!((scene.read("cache/a"), scene.read("cache/b")), ("new\n".to_owned(), "new\n".to_owned()));
    assert!(!scene.root().join("cache/c").exists());
    // It is partial: what no snapshot has stays.
    let undone = scene.run(&["undo", "--json"]).expect(3).json();
    scene.assert_at("v1");
    assert_eq!(scene.read("cache/a"), "new\n");
    assert!(undone["not_restored"].to_string().contains("cache/a"), "{undone}");
}
