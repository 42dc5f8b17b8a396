//! `backstay deps` and the name `graft`, with real git repositories.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;

use crate::sandbox::{BINARY, Ran, Sandbox};

/// A workspace that is a repository, and a source `kb` beside it with the tags v1, v2 (annotated) and v3.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let scene = Self { sandbox: Sandbox::new() };
        std::fs::create_dir(scene.kb()).unwrap();
        std::fs::write(scene.sandbox.beside("gitconfig"), "[init]\n\tdefaultBranch = main\n").unwrap();
        scene.git(&scene.kb(), &["init", "--quiet"]);
        scene.git(&scene.sandbox.root(), &["init", "--quiet"]);
        for number in 1..=3 {
            let mut yaml = "apiVersion: graft/v0\nchanges:\n  v1:\n".to_owned();
            for change in 2..=number {
                writeln!(yaml, "  v{change}: {{type: breaking, description: To {change}, migration: m}}")
                    .unwrap();
            }
            yaml.push_str("commands:\n  m: {run: 'true', description: Moves}\n");
            yaml.push_str("  where: {run: 'pwd; echo $DEP_ROOT $CONSUMER_ROOT'}\n");
            std::fs::write(scene.kb().join("graft.yaml"), yaml).unwrap();
            std::fs::write(scene.kb().join("a.txt"), format!("{number}\n")).unwrap();
            scene.git(&scene.kb(), &["add", "--all"]);
            scene.git(&scene.kb(), &["commit", "--quiet", &format!("--message=v{number}")]);
            let tag = format!("v{number}");
            let (annotated, light) = (["tag", "--annotate", "--message=second", &tag], ["tag", &tag]);
            scene.git(&scene.kb(), if number == 2 { &annotated[..] } else { &light });
        }
        scene
    }

    pub(crate) fn kb(&self) -> PathBuf {
        self.sandbox.beside("kb")
    }

    pub(crate) fn git(&self, directory: &std::path::Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(directory);
        let ran = Ran::of(self.isolated(&mut command)).expect(0);
        ran.stdout.trim_end().to_owned()
    }

    pub(crate) fn isolated<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", self.sandbox.beside("home"))
            .env("GIT_CONFIG_GLOBAL", self.sandbox.beside("gitconfig"))
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "A"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "A"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            .envs([
                ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
                ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
            ])
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["deps"];
        all.extend(arguments);
        Ran::of(self.isolated(&mut self.sandbox.command(&all)))
    }

    /// The binary, started under the name `graft`.
    pub(crate) fn graft(&self, arguments: &[&str]) -> Ran {
        let link = self.sandbox.beside("graft");
        if !link.exists() {
            std::os::unix::fs::symlink(BINARY, &link).unwrap();
        }
        let mut command = Command::new(link);
        command.args(arguments).current_dir(self.sandbox.root()).stdin(std::process::Stdio::null());
        Ran::of(self.isolated(&mut command))
    }

    /// The commit that `reference` means at the source.
    pub(crate) fn commit_of(&self, reference: &str) -> String {
        self.git(&self.kb(), &["rev-parse", &format!("{reference}^{{commit}}")])
    }

    /// Another workspace beside, cloned from what is committed here.
    pub(crate) fn teammate(&self) -> PathBuf {
        self.git(&self.sandbox.root(), &["commit", "--quiet", "--message=depend on kb"]);
        let mate = self.sandbox.beside("mate/w");
        std::fs::create_dir(mate.parent().unwrap()).unwrap();
        self.git(&self.sandbox.root(), &["clone", "--quiet", ".", mate.to_str().unwrap()]);
        mate
    }

    /// The binary, run in another directory.
    pub(crate) fn run_in(&self, directory: &std::path::Path, arguments: &[&str]) -> Ran {
        let mut command = self.sandbox.command(arguments);
        Ran::of(self.isolated(command.current_dir(directory)))
    }

    pub(crate) fn source(&self, reference: &str) -> String {
        format!("{}#{reference}", self.kb().display())
    }

    pub(crate) fn add(&self, reference: &str) {
        self.run(&["add", "kb", &self.source(reference)]).expect(0);
    }

    pub(crate) fn status_of_git(&self) -> String {
        self.git(&self.sandbox.root(), &["status", "--porcelain"])
    }
}

#[test]
fn add_status_apply_and_remove_from_end_to_end() {
    let scene = Scene::new();
    let added = scene.run(&["add", "kb", &scene.source("v2")]).expect(0);
    assert_eq!(added.stdout, "Added kb\n");
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "2\n");
    assert_eq!(scene.status_of_git(), "A  .gitmodules\nA  .graft/kb\nA  graft.lock\nA  graft.yaml");
    let commit = scene.git(&scene.kb(), &["rev-parse", "v2^{commit}"]);
    let status = scene.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["dependencies"]["kb"]["current_ref"], "v2");
    assert_eq!(status["dependencies"]["kb"]["commit"], json!(commit));
    let one = scene.run(&["status", "kb", "--check-updates", "--json"]).expect(0).json();
    assert_eq!(
        (&one["name"], &one["has_update"], &one["available"]),
        (&json!("kb"), &json!(true), &json!("v3"))
    );
    let applied = scene.run(&["apply", "kb", "--to", "v3"]).expect(0);
    assert!(applied.stdout.starts_with("Applied kb@v3\n"), "{}", applied.stdout);
    assert!(applied.stdout.contains("Note: No migrations were run."));
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "3\n");
    scene.run(&["validate"]).expect(0);
    let removed = scene.run(&["remove", "kb"]).expect(0);
    assert_eq!(removed.stdout, "Removed kb\n");
    assert!(!scene.sandbox.root().join(".graft/kb").exists());
    scene.add("v1");
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
}

#[test]
fn resolve_sync_and_tree() {
    let scene = Scene::new();
    assert!(scene.run(&["tree"]).expect(1).stderr.contains("Lock file not found"));
    assert_eq!(scene.run(&["status"]).expect(0).stdout, "No dependencies found\n");
    scene
        .sandbox
        .write("graft.yaml", format!("apiVersion: graft/v0\ndeps: {{kb: '{}'}}\n", scene.source("v1")));
    assert!(scene.run(&["resolve"]).expect(0).stdout.ends_with("Resolved: 1/1\n"));
    let before = scene.sandbox.read("graft.lock");
    let again = scene.run(&["resolve", "--json"]).expect(0).json();
    assert_eq!(again["changed"], false);
    assert_eq!(scene.sandbox.read("graft.lock"), before);
    assert!(scene.run(&["sync"]).expect(0).stdout.ends_with("kb v1 up_to_date\nSynced: 1/1 dependencies\n"));
    std::fs::remove_dir_all(scene.sandbox.root().join(".graft/kb")).unwrap();
    assert!(scene.run(&["sync"]).expect(0).stdout.contains("kb v1 cloned"));
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    scene.sandbox.write(".graft/kb/a.txt", "mine\n");
    assert!(scene.run(&["sync"]).expect(1).stdout.contains("kb v1 failed\nSynced: 0/1"));
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "mine\n");
    scene.run(&["validate", "--integrity"]).expect(2);
    scene.run(&["sync", "--force"]).expect(0);
    scene.run(&["validate", "--integrity"]).expect(0);
    assert!(scene.run(&["tree"]).expect(0).stdout.ends_with("  kb (v1)\nTotal: 1\n"));
    assert_eq!(scene.run(&["fetch"]).expect(0).stdout, "kb: fetched\n");
}

#[test]
fn changes_and_show_read_what_the_checkout_does_not_have() {
    let scene = Scene::new();
    scene.add("v1");
    let list = scene.run(&["changes", "kb", "--since", "v1", "--breaking", "--json"]).expect(0).json();
    let refs: Vec<_> = list["changes"].as_array().unwrap().iter().map(|change| &change["ref"]).collect();
    assert_eq!(refs, [&json!("v2"), &json!("v3")]);
    let shown = scene.run(&["show", "kb@v3", "--json"]).expect(0).json();
    assert_eq!(shown["migration"]["command"], "true");
    assert_eq!(shown["verify"], json!(null));
    assert_eq!(scene.run(&["show", "kb@v3", "--field", "type"]).expect(0).stdout, "breaking\n");
    assert!(scene.run(&["show", "kb@v9"]).expect(1).stderr.contains("Change not found: v9"));
}

#[test]
fn wrong_names_sources_and_refs_touch_nothing() {
    let scene = Scene::new();
    scene.add("v1");
    let (yaml, lock, git) =
        (scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock"), scene.status_of_git());
    for name in ["..", "../kb", "/etc", "a/b", "snapshots"] {
        scene.run(&["remove", name]).expect(1);
        scene.run(&["add", name, &scene.source("v1")]).expect(1);
    }
    scene.run(&["add", "x", "ext::sh -c id#v1"]).expect(1);
    scene.run(&["add", "x", &scene.source("gone")]).expect(1);
    scene.run(&["add", "x", "/nowhere#v1"]).expect(1);
    scene.run(&["add", "--offline", "x", &scene.source("v1")]).expect(1);
    scene.run(&["apply", "kb", "--to=--upload-pack=x"]).expect(1);
    scene.run(&["apply", "kb", "--to", "v1..v2"]).expect(1);
    assert_eq!((scene.sandbox.read("graft.yaml"), scene.sandbox.read("graft.lock")), (yaml, lock));
    assert_eq!(scene.status_of_git(), git);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
}

#[test]
fn a_dry_run_executes_and_changes_nothing() {
    let scene = Scene::new();
    scene.add("v1");
    let yaml = scene.sandbox.read("graft.yaml");
    let own = "commands: {touch: {run: 'touch ran'}}\nsequences: {both: [touch, touch]}\n";
    scene.sandbox.write("graft.yaml", format!("{yaml}{own}"));
    for name in ["touch", "both"] {
        let shown = scene.run(&["run", "--dry-run", name]).expect(0);
        assert!(shown.stdout.contains("touch ran"));
    }
    assert!(!scene.sandbox.root().join("ran").exists());
    assert!(!scene.sandbox.root().join(".graft/run-state").exists());
    scene.run(&["apply", "kb", "--to", "v3", "--dry-run"]).expect(0);
    scene.run(&["remove", "kb", "--dry-run"]).expect(0);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    scene.run(&["run", "both"]).expect(0);
    assert!(scene.sandbox.root().join("ran").exists());
    assert!(scene.sandbox.read(".graft/run-state/sequence-state.json").contains("\"completed\""));
    assert!(!scene.status_of_git().contains("run-state"), "git ignores it");
}

#[test]
fn commands_get_their_arguments_environment_and_exit_code() {
    let scene = Scene::new();
    scene.add("v1");
    let yaml = scene.sandbox.read("graft.yaml");
    let own = "commands:\n  say: {run: 'printf \"%s|\" {who} \"$GRAFT_STATE_READY\"', args: [who]}\n  \
               fail: {run: 'exit 7'}\n  ready: {run: 'echo yes > \"$GRAFT_STATE_DIR/ready.json\"', writes: [ready]}\n";
    scene.sandbox.write("graft.yaml", format!("{yaml}{own}"));
    scene.run(&["run", "ready"]).expect(0);
    assert_eq!(
        scene.run(&["run", "say", "a b; echo no", "--more"]).expect(0).stdout,
        "a b; echo no|yes|--more|"
    );
    scene.run(&["run", "fail"]).expect(7);
    let root = scene.sandbox.root();
    let expected = format!("{0}/.graft/kb\n{0}/.graft/kb {0}\n", root.display());
    assert_eq!(scene.run(&["run", "kb:where"]).expect(0).stdout, expected);
    let unknown = scene.run(&["run", "gone"]).expect(1);
    assert!(unknown.stderr.contains("Available commands") && unknown.stderr.contains("Available sequences"));
    assert!(scene.run(&["run"]).expect(0).stdout.contains("  say"));
}

#[test]
fn the_workspace_is_found_from_below_and_from_inside_a_dependency() {
    let scene = Scene::new();
    scene.add("v1");
    std::fs::create_dir_all(scene.sandbox.root().join("src/deep")).unwrap();
    for below in ["src/deep", ".graft/kb"] {
        let mut command = scene.sandbox.command(&["deps", "status", "--json"]);
        command.current_dir(scene.sandbox.root().join(below));
        let status = Ran::of(scene.isolated(&mut command)).expect(0).json();
        assert_eq!(status["dependencies"]["kb"]["current_ref"], "v1", "{below}");
    }
}

#[test]
fn git_at_work_and_another_operation_are_busy() {
    let scene = Scene::new();
    scene.add("v1");
    scene.sandbox.write(".git/index.lock", "");
    scene.run(&["apply", "kb", "--to", "v2"]).expect(4);
    assert_eq!(scene.sandbox.read(".graft/kb/a.txt"), "1\n");
    std::fs::remove_file(scene.sandbox.root().join(".git/index.lock")).unwrap();
    scene.run(&["apply", "kb", "--to", "v2"]).expect(0);
}
