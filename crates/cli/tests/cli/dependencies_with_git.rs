//! What others do to the same repositories: teammates, moved and deleted tags, a git that talks much.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;

use crate::dependencies::Scene;
use crate::sandbox::Ran;

#[test]
fn a_teammate_clones_and_pulls_and_sync_brings_what_is_locked() {
    let scene = Scene::new();
    scene.add("v1");
    let mate = scene.teammate();
    let said = scene.run_in(&mate, &["deps", "sync"]).expect(0);
    assert!(said.stdout.contains("kb v1 cloned\nSynced: 1/1 dependencies"), "{}", said.stdout);
    assert_eq!(fs::read_to_string(mate.join(".graft/kb/a.txt")).unwrap(), "1\n");
    assert_eq!(scene.git(&mate, &["status", "--porcelain", "--untracked-files=all"]), "");

    scene.run(&["upgrade", "kb", "--to", "v3"]).expect(0);
    scene.git(&scene.sandbox.root(), &["commit", "--quiet", "--message=v3"]);
    scene.git(&mate, &["pull", "--quiet", "--no-recurse-submodules"]);
    let said = scene.run_in(&mate, &["deps", "sync"]).expect(0);
    assert!(said.stdout.contains("kb v3 checked_out"), "{}", said.stdout);
    assert_eq!(fs::read_to_string(mate.join(".graft/kb/a.txt")).unwrap(), "3\n");
    assert_eq!(scene.git(&mate, &["status", "--porcelain", "--untracked-files=all"]), "");
    let resolved = scene.run_in(&mate, &["deps", "resolve", "--json"]).expect(0).json();
    assert_eq!(resolved["changed"], false);
}

#[test]
fn a_source_beside_the_workspace_is_shared_without_naming_a_machine() {
    let scene = Scene::new();
    scene.run(&["add", "kb", "../kb#v1"]).expect(0);
    let mate = scene.teammate();
    // The teammate has it beside the workspace, too, in another place.
    scene.git(&scene.kb(), &["clone", "--quiet", ".", mate.parent().unwrap().join("kb").to_str().unwrap()]);
    scene.run_in(&mate, &["deps", "sync"]).expect(0);
    assert_eq!(fs::read_to_string(mate.join(".graft/kb/a.txt")).unwrap(), "1\n");
    assert_eq!(scene.git(&mate, &["status", "--porcelain", "--untracked-files=all"]), "");
    scene.run(&["remove", "kb"]).expect(0);
    scene.run(&["add", "kb", "../w/../kb#v1"]).expect(0);
}

#[test]
fn git_never_sees_files_of_ours() {
    let scene = Scene::new();
    let yaml = "commands: {c: {run: 'echo x > \"$GRAFT_STATE_DIR/s.json\"'}}\nsequences: {s: [c]}\n";
    scene.add("v1");
    let declared = scene.sandbox.read("graft.yaml");
    scene.sandbox.write("graft.yaml", format!("{declared}{yaml}"));
    scene.git(&scene.sandbox.root(), &["add", "graft.yaml"]);
    for command in [
        &["run", "s"][..],
        &["run", "kb:where"],
        &["apply", "kb", "--to", "v2"],
        &["upgrade", "kb", "--to", "v3"],
        &["resolve"],
        &["sync"],
        &["fetch"],
        &["validate", "--fix"],
    ] {
        scene.run(command).expect(0);
        let status = scene.git(&scene.sandbox.root(), &["status", "--porcelain", "--untracked-files=all"]);
        let lines: Vec<&str> = status.lines().map(|line| &line[3..]).collect();
        assert_eq!(lines, [".gitmodules", ".graft/kb", "graft.lock", "graft.yaml"], "{command:?}");
        assert_eq!(scene.git(&scene.sandbox.root().join(".graft/kb"), &["status", "--porcelain"]), "");
    }
}

#[test]
fn an_annotated_tag_is_locked_by_its_commit_and_an_old_lock_is_healed() {
    let scene = Scene::new();
    scene.add("v2");
    let (commit, tag) = (scene.commit_of("v2"), scene.git(&scene.kb(), &["rev-parse", "v2"]));
    assert_ne!(commit, tag);
    let lock = scene.sandbox.read("graft.lock");
    assert!(lock.contains(&commit) && !lock.contains(&tag));
    scene.sandbox.write("graft.lock", lock.replace(&commit, &tag));
    scene.run(&["validate", "--integrity"]).expect(2);
    // Moving on from there works, also before it is healed.
    let plan = scene.run(&["upgrade", "kb", "--to", "v3", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(plan["moves"][0]["from"]["commit"], commit.as_str());
    scene.run(&["validate", "--fix"]).expect(0);
    assert!(scene.sandbox.read("graft.lock").contains(&commit));
    scene.run(&["validate"]).expect(0);
}

#[test]
fn tags_that_moved_or_are_gone_mean_what_the_source_says() {
    let scene = Scene::new();
    scene.add("v1");
    scene.git(&scene.kb(), &["tag", "--force", "v2", "v3"]);
    scene.run(&["apply", "kb", "--to", "v2"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "3\n");
    scene.run(&["apply", "kb", "--to", "v1"]).expect(0);
    scene.git(&scene.kb(), &["tag", "--delete", "v1", "v2", "v3"]);
    let lock = scene.sandbox.read("graft.lock");
    for command in [
        &["apply", "kb", "--to", "v3"][..],
        &["resolve"],
        &["upgrade", "kb", "--to", "v3"],
        &["upgrade", "kb", "--to", "v3", "--allow-undeclared"],
    ] {
        let said = scene.run(command).expect(1);
        assert!(said.stderr.contains("not found"), "{command:?}: {}", said.stderr);
        assert_eq!(scene.sandbox.read("graft.lock"), lock, "{command:?}");
    }
    scene.run(&["sync"]).expect(0);
    scene.run(&["apply", "kb", "--to", "main"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "3\n");
}

#[test]
fn what_is_edited_is_not_staged_and_what_is_dirty_is_kept() {
    let scene = Scene::new();
    scene.add("v1");
    let root = scene.sandbox.root();
    scene.git(&root, &["commit", "--quiet", "--message=depend"]);
    let yaml = scene.sandbox.read("graft.yaml");
    scene.sandbox.write("graft.yaml", format!("# edited\n{yaml}"));
    let said = scene.run(&["apply", "kb", "--to", "v2", "--json"]).expect(0).json();
    assert_eq!(said["not_staged"], true);
    assert_eq!(scene.git(&root, &["diff", "--cached", "--name-only"]), "");
    assert!(scene.sandbox.read("graft.yaml").starts_with("# edited\n"));
    scene.git(&root, &["add", "graft.yaml", "graft.lock"]);
    scene.run(&["apply", "kb", "--to", "v3", "--no-stage"]).expect(0);
    assert!(scene.git(&root, &["diff", "--cached"]).contains("#v2"));

    scene.sandbox.write(".graft/kb/a.txt", "mine\n");
    let before = (scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock"), scene.status_of_git());
    for command in [
        &["apply", "kb", "--to", "v1"][..],
        &["upgrade", "kb", "--to", "v1", "--allow-downgrade"],
        &["remove", "kb"],
    ] {
        let said = scene.run(command).expect(1);
        assert!(said.stderr.contains("a.txt"), "{command:?}: {}", said.stderr);
    }
    let after = (scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock"), scene.status_of_git());
    assert_eq!(before, after);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "mine\n");
}

#[test]
fn a_git_that_says_a_mebibyte_is_heard_out() {
    let scene = Scene::new();
    let bin = scene.sandbox.beside("bin");
    fs::create_dir(&bin).unwrap();
    let real = Ran::of(std::process::Command::new("sh").args(["-c", "command -v git"])).expect(0).stdout;
    let wrapper =
        format!("#!/bin/sh\nhead -c 1048576 /dev/zero | tr '\\0' 'x' >&2\nexec {} \"$@\"\n", real.trim());
    fs::write(bin.join("git"), wrapper).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = scene.sandbox.command(&["deps", "add", "kb", &scene.source("v1")]);
    Ran::of(scene.isolated(command.env("PATH", path))).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
}

/// Stands in for ssh: says half a mebibyte, tells that it counts until it may go on, says the other half, and does what ssh
/// would.
const SLOW_SSH: &str = "#!/bin/sh
head -c 524288 /dev/zero | tr '\\0' 'x' >&2
echo >&2
while [ ! -e \"$GO\" ]; do echo 'remote: Counting objects: 7' >&2; sleep 0.05; done
head -c 524288 /dev/zero | tr '\\0' 'x' >&2
for last; do :; done
eval \"exec $last\"
";

#[test]
fn a_clone_may_take_as_long_as_it_takes_and_say_a_mebibyte() {
    let scene = Scene::new();
    let beside = |name: &str| scene.sandbox.beside(name);
    fs::write(beside("ssh"), SLOW_SSH).unwrap();
    fs::set_permissions(beside("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let source = format!("ssh://example.org{}#v2", scene.kb().display());
    let mut command = scene.sandbox.command(&["deps", "add", "kb", &source, "--format", "ndjson"]);
    let started = scene
        .isolated(&mut command)
        .env("GIT_SSH_COMMAND", beside("ssh"))
        .env("GIT_SSH_VARIANT", "simple")
        .env("GO", beside("go"))
        // The limit is one of commands, not of git.
        .env("GRAFT_PROCESS_TIMEOUT_MS", "1")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn();
    let mut child = started.unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    // What git says is told while it says it.
    let told = events.find(|event| event.contains("Counting objects: 7")).unwrap();
    assert!(told.contains("\"progress\""), "{told}");
    // It is under way, and nothing of it is there yet.
    let busy = scene.sandbox.run(&["save", "--json"]).expect(4).json();
    assert!(busy["error"].as_str().unwrap().contains(&child.id().to_string()), "{busy}");
    assert!(!scene.sandbox.root().join("graft.yaml").exists());
    fs::write(beside("go"), "").unwrap();
    let last = events.last().unwrap();
    assert!(last.contains("\"result\""), "{last}");
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "2\n");
    scene.run(&["validate"]).expect(0);
}

#[test]
fn resolve_after_an_upgrade_changes_nothing() {
    let scene = Scene::new();
    scene.add("v1");
    scene.run(&["upgrade", "kb", "--to", "v3"]).expect(0);
    let root = scene.sandbox.root();
    let state = || {
        let files = ["graft.yaml", "graft.lock", ".gitmodules", ".graft/kb/a.txt", ".graft/kb/graft.yaml"];
        let texts: Vec<String> = files.iter().map(|file| scene.sandbox.read(file)).collect();
        let index = scene.git(&root, &["ls-files", "--stage"]);
        let head = scene.git(&root.join(".graft/kb"), &["rev-parse", "HEAD"]);
        (texts, index, head, scene.status_of_git())
    };
    let before = state();
    for offline in [&["resolve", "--json"][..], &["resolve", "--json", "--offline"]] {
        let resolved = scene.run(offline).expect(0).json();
        assert_eq!(resolved["changed"], false, "{resolved}");
        assert_eq!(state(), before, "{offline:?}");
    }
}
