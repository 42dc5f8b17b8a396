//! What a change of the dependencies leaves on disk, with real repositories.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::support::{Scene, name, reference};
use backstay_dependencies::change::Step;
use backstay_dependencies::lock::Lock;
use backstay_dependencies::mutate::{self, AddOptions, MoveState, Options, RemoveOptions, ResolveOptions};
use backstay_dependencies::{DependencyError, query};

#[test]
fn resolve_makes_a_submodule_that_git_agrees_with() {
    let scene = Scene::new();
    scene.declare("v2");
    scene.resolve();
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "two");
    assert!(!scene.exists("app/.graft/kb/x"));
    let commit = scene.commit_of("v2");
    assert_eq!(scene.git("app/.graft/kb", &["rev-parse", "HEAD"]), commit);
    assert_eq!(scene.git("app/.graft/kb", &["status", "--porcelain"]), "");
    let lock = Lock::parse(&scene.read("app/graft.lock")).unwrap().lock;
    assert_eq!(lock.entries[&name("kb")].commit.as_str(), commit, "the commit, not the annotated tag");
    assert_eq!(
        scene.git("app", &["status", "--porcelain"]),
        "A  .gitmodules\nA  .graft/kb\nA  graft.lock\nA  graft.yaml"
    );
    let status = scene.git("app", &["submodule", "status"]);
    assert!(status.trim_start_matches([' ', '+', '-']).starts_with(&commit), "{status}");
    scene.git("app", &["fsck", "--strict"]);
    scene.git("app/.graft/kb", &["fsck"]);
    scene.git("app/.graft/kb", &["fetch"]);
}

#[test]
fn the_index_is_written_once_and_not_copied() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    (0..100).for_each(|number| scene.write(&format!("app/many/{number}"), "1"));
    scene.git("app", &["add", "many"]);
    let index = scene.path("app/.git/index").metadata().unwrap();
    let to = reference("v2");
    let drafted =
        mutate::apply(&scene.workspace, scene.draft(), &Scene::options(), &name("kb"), &to).unwrap();
    let copies = |file: &std::fs::DirEntry| {
        let found = file.metadata().unwrap();
        found.is_file() && found.ino() != index.ino() && found.len() >= index.len()
    };
    let written: Vec<_> = fs::read_dir(scene.path("scratch")).unwrap().flatten().filter(copies).collect();
    assert_eq!(written.len(), 1, "{written:?}");
    let is_index = |step: &&Step| matches!(step, Step::Replace { path, .. } if path == ".git/index");
    assert_eq!(drafted.steps.iter().filter(is_index).count(), 1);
    assert_eq!(scene.path("app/.git/index").metadata().unwrap().ino(), index.ino());
}

#[test]
fn resolving_again_changes_nothing() {
    let scene = Scene::new();
    scene.declare("v2");
    scene.resolve();
    scene.git("app", &["commit", "--quiet", "--message=locked"]);
    let drafted =
        mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), ResolveOptions::default())
            .unwrap();
    assert_eq!(drafted.steps, []);
    assert_eq!(drafted.report.dependencies[0].state, MoveState::UpToDate);
}

#[test]
fn resolve_refuses_a_lock_that_is_ahead_unless_forced() {
    let scene = Scene::new();
    scene.declare("v3");
    scene.resolve();
    scene.declare("v1");
    let before = scene.picture();
    let ahead =
        mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), ResolveOptions::default());
    assert!(matches!(ahead.unwrap_err(), DependencyError::LockAhead { .. }));
    assert_eq!(scene.picture(), before);
    let forced = ResolveOptions { force_yaml: true };
    let drafted = mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), forced).unwrap();
    scene.execute(drafted);
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "one");
    assert_eq!(scene.read("app/.graft/kb/x/old.txt"), "old");
    assert!(!scene.exists("app/.graft/kb/new"));
}

#[test]
fn a_legacy_clone_is_detected_and_left_alone() {
    let scene = Scene::new();
    scene.declare("v1");
    std::fs::create_dir(scene.path("app/.graft")).unwrap();
    scene.git("app/.graft", &["clone", "--quiet", scene.path("kb").to_str().unwrap(), "kb"]);
    let before = scene.picture();
    let found =
        mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), ResolveOptions::default());
    assert!(found.unwrap_err().to_string().starts_with("Legacy clone detected"));
    assert_eq!(scene.picture(), before);
}

#[test]
fn a_teammate_pulls_and_sync_fetches() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    scene.git("app", &["commit", "--quiet", "--message=locked"]);
    scene.git(".", &["clone", "--quiet", "app", "mate"]);
    // The teammate has the files and no submodule; a new commit appears and is locked.
    scene.version("v4", &[("a.txt", "four")], &[]);
    scene.git("kb", &["tag", "v4"]);
    let moved =
        mutate::apply(&scene.workspace, scene.draft(), &Scene::options(), &name("kb"), &reference("v4"))
            .unwrap();
    assert_eq!(scene.execute(moved).state, MoveState::CheckedOut);
    assert!(scene.read("app/graft.yaml").contains("#v4\" # ours"));
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "four");
    // Back to v1, as a pull of the old commit would leave it: `sync` follows the lock.
    let lock = scene.git("app", &["show", "HEAD:graft.lock"]);
    scene.write("app/graft.lock", &format!("{lock}\n"));
    let synced = mutate::sync(&scene.workspace, scene.draft(), &Scene::options(), None).unwrap();
    let report = scene.execute(synced);
    assert_eq!(report[0].result.as_ref().unwrap(), &MoveState::CheckedOut);
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "one");
    // A commit that is not here yet.
    scene.version("v5", &[("a.txt", "five")], &[]);
    let (old, new) = (scene.commit_of("v1"), scene.commit_of("main"));
    let lock = scene.read("app/graft.lock").replace(&old, &new);
    scene.write("app/graft.lock", &lock);
    let synced = mutate::sync(&scene.workspace, scene.draft(), &Scene::options(), None).unwrap();
    scene.execute(synced);
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "five");
    let again = mutate::sync(&scene.workspace, scene.draft(), &Scene::options(), None).unwrap();
    assert_eq!((again.steps.len(), again.report[0].result.as_ref().unwrap()), (0, &MoveState::UpToDate));
}

#[test]
fn a_dirty_checkout_is_refused_and_force_overwrites_it() {
    let scene = Scene::new();
    scene.declare("v3");
    scene.resolve();
    scene.write("app/.graft/kb/a.txt", "mine");
    scene.write("app/.graft/kb/untracked.txt", "mine");
    let before = scene.picture();
    let synced = mutate::sync(&scene.workspace, scene.draft(), &Scene::options(), None).unwrap();
    assert!(matches!(synced.report[0].result, Err(DependencyError::Dirty { .. })));
    assert!(matches!(
        mutate::apply(&scene.workspace, scene.draft(), &Scene::options(), &name("kb"), &reference("v1"))
            .unwrap_err(),
        DependencyError::Dirty { .. }
    ));
    assert_eq!(scene.picture(), before);
    let forced = Options { force: true, ..Scene::options() };
    let synced = mutate::sync(&scene.workspace, scene.draft(), &forced, None).unwrap();
    scene.execute(synced);
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "three");
    assert_eq!(scene.read("app/.graft/kb/untracked.txt"), "mine");
}

#[test]
fn remove_leaves_nothing_and_add_works_again() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    scene.git("app", &["commit", "--quiet", "--message=locked"]);
    let drafted = mutate::remove(
        &scene.workspace,
        scene.draft(),
        &Scene::options(),
        &name("kb"),
        RemoveOptions::default(),
    );
    scene.execute(drafted.unwrap());
    for gone in ["app/.graft/kb", "app/.git/modules/.graft/kb", "app/.gitmodules"] {
        assert!(!scene.exists(gone), "{gone}");
    }
    assert!(!scene.read("app/.git/config").contains("submodule"));
    assert_eq!(
        scene.git("app", &["status", "--porcelain"]),
        "D  .gitmodules\nD  .graft/kb\nM  graft.lock\nM  graft.yaml"
    );
    let pin = scene.pin("v2");
    let added = mutate::add(
        &scene.workspace,
        scene.draft(),
        &Scene::options(),
        &name("kb"),
        &pin,
        AddOptions::default(),
    );
    scene.execute(added.unwrap());
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "two");
    assert_eq!(scene.git("app/.graft/kb", &["status", "--porcelain"]), "");
}

#[test]
fn remove_refuses_what_would_be_lost() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    let remove = |force| {
        let options = Options { force, ..Scene::options() };
        mutate::remove(&scene.workspace, scene.draft(), &options, &name("kb"), RemoveOptions::default())
    };
    scene.write("app/.graft/kb/mine.txt", "mine");
    assert!(matches!(remove(false).unwrap_err(), DependencyError::Dirty { .. }));
    scene.git("app/.graft/kb", &["add", "--all"]);
    scene.git("app/.graft/kb", &["commit", "--quiet", "--message=mine"]);
    assert!(matches!(remove(false).unwrap_err(), DependencyError::Unpushed { commits: 1, .. }));
    assert!(scene.exists("app/.graft/kb/mine.txt"));
    assert!(remove(true).is_ok());
}

#[test]
fn a_failed_add_leaves_everything_as_it_was() {
    let scene = Scene::new();
    scene.declare("v1");
    let before = scene.picture();
    let add = |pin: &str, offline| {
        let options = Options { offline, ..Scene::options() };
        let pin = backstay_dependencies::Pin::parse(pin).unwrap();
        mutate::add(&scene.workspace, scene.draft(), &options, &name("new"), &pin, AddOptions::default())
    };
    assert!(add("/nowhere/at/all#v1", false).is_err());
    let source = scene.path("kb");
    assert!(add(&format!("{}#gone", source.display()), false).is_err());
    assert!(add(&format!("{}#v1", source.display()), true).is_err());
    assert_eq!(scene.picture(), before);
}

#[test]
fn edits_that_are_not_staged_keep_the_index_alone() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.git("app", &["add", "graft.yaml"]);
    scene.git("app", &["commit", "--quiet", "--message=declared"]);
    scene.declare("v2");
    let drafted =
        mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), ResolveOptions::default())
            .unwrap();
    assert!(drafted.not_staged);
    scene.execute(drafted);
    assert_eq!(scene.git("app", &["diff", "--cached", "--name-only"]), "");
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "two");
}

#[test]
fn a_moved_tag_and_a_deleted_one_are_seen() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    scene.git("kb", &["tag", "--force", "v1", "v3"]);
    scene.resolve();
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "three");
    scene.git("kb", &["tag", "--delete", "v1"]);
    let before = scene.read("app/graft.lock");
    let found =
        mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), ResolveOptions::default());
    assert!(matches!(found.unwrap_err(), DependencyError::RefNotFound { .. }));
    assert_eq!(scene.read("app/graft.lock"), before);
    let synced = mutate::sync(&scene.workspace, scene.draft(), &Scene::options(), None).unwrap();
    assert_eq!(synced.report[0].result.as_ref().unwrap(), &MoveState::UpToDate);
}

#[test]
fn a_tag_made_here_stays_and_means_nothing() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    scene.git("app/.graft/kb", &["tag", "mine", "v2"]);
    let store = scene.workspace.required_store(&name("kb")).unwrap();
    scene.version("v4", &[("a.txt", "four")], &[]);
    scene.git("kb", &["tag", "v4"]);
    scene.resolve();
    assert_eq!(scene.git("app/.graft/kb", &["tag", "--list"]), "mine\nv1\nv2\nv3\nv4");
    let mine = store.resolve(&name("kb"), &reference("mine"));
    assert!(matches!(mine.unwrap_err(), DependencyError::RefNotFound { .. }));
    let here = store.resolve(&name("kb"), &reference("v4")).unwrap();
    assert_eq!(here.as_str(), scene.commit_of("v4"));
}

#[test]
fn a_tag_and_a_branch_that_differ_are_ambiguous_and_a_local_branch_never_counts() {
    let scene = Scene::new();
    scene.git("kb", &["branch", "twin", "v1"]);
    scene.git("kb", &["tag", "twin", "v2"]);
    scene.declare("v1");
    scene.resolve();
    scene.git("app/.graft/kb", &["branch", "local"]);
    let store = scene.workspace.required_store(&name("kb")).unwrap();
    let resolve = |text: &str| store.resolve(&name("kb"), &reference(text));
    assert!(resolve("twin").unwrap_err().to_string().starts_with("ambiguous ref"));
    assert!(matches!(resolve("local").unwrap_err(), DependencyError::RefNotFound { .. }));
    assert!(matches!(resolve("refs/heads/local").unwrap_err(), DependencyError::RefNotFound { .. }));
    for (text, commit) in [
        ("refs/tags/twin", "v2"),
        ("refs/heads/twin", "v1"),
        ("origin/twin", "v1"),
        ("origin/main", "v3"),
        ("main", "v3"),
        ("v2", "v2"),
        (&scene.commit_of("v2"), "v2"),
        (&scene.commit_of("v2")[..9], "v2"),
    ] {
        assert_eq!(resolve(text).unwrap().as_str(), scene.commit_of(commit), "{text}");
    }
}

#[test]
fn a_source_that_cannot_be_reached_is_an_error_unless_the_commit_is_here_or_nothing_is_fetched() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    std::fs::rename(scene.path("kb"), scene.path("gone")).unwrap();
    let apply = |text: &str, offline| {
        let options = Options { offline, ..Scene::options() };
        mutate::apply(&scene.workspace, scene.draft(), &options, &name("kb"), &reference(text))
    };
    assert!(matches!(apply("v2", false).unwrap_err(), DependencyError::Git(_)));
    assert!(apply("v2", true).is_ok());
    let commit = scene.git("gone", &["rev-parse", "v2^{commit}"]);
    assert!(apply(&commit, false).is_ok());
    let fetched = mutate::fetch(&scene.workspace, None).unwrap();
    assert!(fetched[0].result.is_err());
}

#[test]
fn repositories_with_sha256_work_throughout() {
    let scene = Scene::with_format("sha256");
    scene.declare("v2");
    scene.resolve();
    let lock = Lock::parse(&scene.read("app/graft.lock")).unwrap().lock;
    assert_eq!(lock.entries[&name("kb")].commit.as_str().len(), 64);
    assert_eq!(scene.git("app/.graft/kb", &["status", "--porcelain"]), "");
    let report = query::validate(&scene.workspace, query::What::ALL).unwrap();
    assert!(report.overall, "{report:?}");
}

#[test]
fn fix_heals_an_old_lock_that_names_an_annotated_tag() {
    let scene = Scene::new();
    scene.declare("v2");
    scene.resolve();
    let (commit, tag) = (scene.commit_of("v2"), scene.git("kb", &["rev-parse", "v2"]));
    assert_ne!(commit, tag);
    let old =
        scene.read("app/graft.lock").replace(&commit, &tag).replace("apiVersion: graft/v0", "version: 1");
    scene.write("app/graft.lock", &old);
    let report = query::validate(&scene.workspace, query::What::ALL).unwrap();
    assert!(!report.integrity.unwrap().valid);
    let drafted = mutate::fix(&scene.workspace, scene.draft(), &Scene::options()).unwrap();
    let fixed = scene.execute(drafted);
    assert_eq!((fixed.version_before, fixed.peeled), (Some(1), vec![name("kb")]));
    assert!(scene.read("app/graft.lock").starts_with("apiVersion: graft/v0\n"));
    assert!(query::validate(&scene.workspace, query::What::ALL).unwrap().overall);
}

#[test]
fn a_lock_of_a_later_version_stops_every_change() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.write("app/graft.lock", "version: 9\n");
    let before = scene.picture();
    let found =
        mutate::resolve(&scene.workspace, scene.draft(), &Scene::options(), ResolveOptions::default());
    assert!(matches!(found.unwrap_err(), DependencyError::LockVersion { .. }));
    assert_eq!(scene.picture(), before);
}

#[test]
fn a_hook_of_the_repository_does_not_run() {
    let scene = Scene::new();
    scene.declare("v1");
    scene.resolve();
    let hooks = scene.path("app/.git/modules/.graft/kb/hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        let path = hooks.join(hook);
        std::fs::write(&path, format!("#!/bin/sh\ntouch '{}'\n", scene.path("ran").display())).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
    }
    let moved =
        mutate::apply(&scene.workspace, scene.draft(), &Scene::options(), &name("kb"), &reference("v3"))
            .unwrap();
    scene.execute(moved);
    assert!(!scene.exists("ran"));
}

#[test]
fn a_file_becomes_a_directory_and_a_directory_a_file() {
    let scene = Scene::new();
    scene.git("kb", &["rm", "--quiet", "a.txt", "dir/b.txt"]);
    scene.version("v4", &[("a.txt/inner/one", "1"), ("a.txt/two", "2"), ("dir", "file")], &[]);
    scene.git("kb", &["tag", "v4"]);
    scene.declare("v3");
    scene.resolve();
    let apply = |to: &str| {
        let moved =
            mutate::apply(&scene.workspace, scene.draft(), &Scene::options(), &name("kb"), &reference(to));
        moved.map(|drafted| scene.execute(drafted))
    };
    apply("v4").unwrap();
    assert_eq!(scene.read("app/.graft/kb/a.txt/inner/one"), "1");
    assert_eq!(scene.read("app/.graft/kb/dir"), "file");
    assert_eq!(scene.git("app/.graft/kb", &["status", "--porcelain"]), "");
    apply("v3").unwrap();
    assert_eq!(scene.read("app/.graft/kb/a.txt"), "three");
    assert_eq!(scene.read("app/.graft/kb/dir/b.txt"), "b");
    assert_eq!(scene.git("app/.graft/kb", &["status", "--porcelain"]), "");
    // What git does not know stands where the new version has a file.
    scene.write("app/.graft/kb/dir/mine", "mine");
    assert!(matches!(apply("v4").unwrap_err(), DependencyError::Dirty { .. }));
    assert_eq!(scene.read("app/.graft/kb/dir/mine"), "mine");
}
