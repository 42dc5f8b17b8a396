//! A workspace that depends on a repository with versions, each with a migration.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use backstay_testkit::Picture;
use serde_json::Value;
use tempfile::TempDir;

/// How long something may take that happens soon. Generous: the machine may be busy.
pub(crate) const SOON: Duration = Duration::from_mins(1);

pub(crate) struct Scene {
    place: TempDir,
}

/// What a run of the binary gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A version of the dependency: its tag, and the text of the scripts of its change.
#[derive(Debug, Clone)]
pub(crate) struct Version<'a> {
    pub(crate) tag: &'a str,
    pub(crate) migration: Option<&'a str>,
    pub(crate) verify: Option<&'a str>,
}

impl Scene {
    /// A workspace at v1 of a dependency that has v1 to v4. Each migration adds its name to `migrated`; the check of v4
    /// looks whether all did.
    pub(crate) fn new() -> Self {
        let check = "test \"$(cat migrated | tr '\\n' ' ')\" = 'v2 v3 v4 ' && test -f .graft/kb/v4.txt";
        Self::with(&[
            Version { tag: "v1", migration: None, verify: None },
            Version { tag: "v2", migration: Some("echo v2 >> migrated"), verify: None },
            Version { tag: "v3", migration: Some("echo v3 >> migrated"), verify: Some("false") },
            Version { tag: "v4", migration: Some("echo v4 >> migrated"), verify: Some(check) },
        ])
    }

    /// A workspace at v1 whose v2 has these scripts.
    pub(crate) fn of(migration: &str, verify: Option<&str>) -> Self {
        Self::with(&[
            Version { tag: "v1", migration: None, verify: None },
            Version { tag: "v2", migration: Some(migration), verify },
        ])
    }

    pub(crate) fn with(versions: &[Version<'_>]) -> Self {
        Self::below(&std::env::temp_dir(), versions)
    }

    pub(crate) fn below(parent: &Path, versions: &[Version<'_>]) -> Self {
        let place = tempfile::Builder::new().prefix("backstay-upgrade-").tempdir_in(parent).unwrap();
        let scene = Self { place };
        scene.make_dependency("kb", versions);
        scene.make_workspace(versions[0].tag);
        scene
    }

    fn make_dependency(&self, name: &str, versions: &[Version<'_>]) {
        let source = self.beside(name);
        fs::create_dir(&source).unwrap();
        self.git(&source, &["init", "--quiet", "--initial-branch=main"]);
        let mut changes = String::from("apiVersion: graft/v0\nchanges:\n");
        let mut commands = String::from("commands:\n");
        for version in versions {
            let tag = version.tag;
            let named = |kind: &str, text: Option<&str>, commands: &mut String| {
                let Some(text) = text else { return String::new() };
                let name = format!("{kind}-{tag}");
                writeln!(commands, "  {name}:\n    run: {}", serde_json::to_string(text).unwrap()).unwrap();
                format!("    {kind}: {name}\n")
            };
            let migration = named("migration", version.migration, &mut commands);
            let verify = named("verify", version.verify, &mut commands);
            write!(changes, "  {tag}:\n    type: feature\n{migration}{verify}").unwrap();
            fs::write(source.join("graft.yaml"), format!("{changes}{commands}")).unwrap();
            if commands == "commands:\n" {
                fs::write(source.join("graft.yaml"), &changes).unwrap();
            }
            fs::write(source.join(format!("{tag}.txt")), tag).unwrap();
            fs::write(source.join("current.txt"), tag).unwrap();
            self.git(&source, &["add", "--all"]);
            self.git(&source, &["commit", "--quiet", "-m", tag]);
            self.git(&source, &["tag", "-a", "-m", tag, tag]);
        }
    }

    fn make_workspace(&self, tag: &str) {
        let root = self.root();
        fs::create_dir(&root).unwrap();
        self.git(&root, &["init", "--quiet", "--initial-branch=main"]);
        let source = self.beside("kb");
        let url = source.display().to_string();
        self.git(&root, &["submodule", "--quiet", "add", "--name", ".graft/kb", "--", &url, ".graft/kb"]);
        self.git(&root.join(".graft/kb"), &["checkout", "--quiet", "--detach", tag]);
        let commit = self.git(&source, &["rev-parse", &format!("{tag}^{{commit}}")]);
        self.write(
            "graft.yaml",
            format!("apiVersion: graft/v0\n# what we use\ndeps:\n  kb: \"{url}#{tag}\" # pinned\n"),
        );
        let lock = format!(
            "apiVersion: graft/v0\ndependencies:\n  kb:\n    source: \"{url}\"\n    ref: \"{tag}\"\n    commit: \"{commit}\"\n    \
             consumed_at: \"2026-01-03T10:00:00Z\"\n"
        );
        self.write("graft.lock", lock);
        self.write("README", "read me\n");
        self.write("data/a", "a\n");
        self.write("data/b", "b\n");
        self.write("tool", "#!/bin/sh\n");
        fs::set_permissions(root.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(root.join("empty")).unwrap();
        self.git(&root, &["add", "--all"]);
        self.git(&root, &["commit", "--quiet", "-m", "begin"]);
    }

    /// Adds another dependency, at its first version, and commits that.
    pub(crate) fn depend_on(&self, name: &str, versions: &[Version<'_>]) {
        self.make_dependency(name, versions);
        let (root, source, tag) = (self.root(), self.beside(name), versions[0].tag);
        let (url, path) = (source.display().to_string(), format!(".graft/{name}"));
        self.git(&root, &["submodule", "--quiet", "add", "--name", &path, "--", &url, &path]);
        self.git(&root.join(&path), &["checkout", "--quiet", "--detach", tag]);
        let commit = self.git(&source, &["rev-parse", &format!("{tag}^{{commit}}")]);
        self.write("graft.yaml", format!("{}  {name}: \"{url}#{tag}\"\n", self.read("graft.yaml")));
        let entry = format!(
            "  {name}:\n    source: \"{url}\"\n    ref: \"{tag}\"\n    commit: \"{commit}\"\n    \
             consumed_at: \"2026-01-03T10:00:00Z\"\n"
        );
        self.write("graft.lock", self.read("graft.lock") + &entry);
        self.git(&root, &["add", "--all"]);
        self.git(&root, &["commit", "--quiet", "-m", name]);
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.beside("w")
    }

    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.place.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// What git says in `directory`, without its last line feed.
    #[track_caller]
    pub(crate) fn git(&self, directory: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.current_dir(directory).args(["-c", "protocol.file.allow=always"]).args(arguments);
        let output = self.apart(&mut command).output().unwrap();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "git {arguments:?}: {stdout}{stderr}");
        stdout.trim_end().to_owned()
    }

    fn apart<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("BACKSTAY_") || name.starts_with("GIT_") || name.starts_with("GRAFT_") {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.place.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "a")
            .env("GIT_AUTHOR_EMAIL", "a@example.org")
            .env("GIT_COMMITTER_NAME", "a")
            .env("GIT_COMMITTER_EMAIL", "a@example.org")
            .env("USER", "anna")
            .stdin(Stdio::null())
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstay"));
        command.args(arguments).current_dir(self.root());
        self.apart(&mut command);
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    /// Upgrades with `--json`; the report.
    #[track_caller]
    pub(crate) fn upgrade(&self, more: &[&str], code: i32) -> Value {
        let mut arguments = vec!["upgrade", "--json"];
        arguments.extend(more);
        self.run(&arguments).expect(code).json()
    }

    /// Everything of the workspace but git's and Backstay's own directories.
    pub(crate) fn picture(&self) -> Picture {
        Picture::of(&self.root(), &[".backstay", ".git"]).unwrap()
    }

    /// Where the dependency is, by everything that says so.
    pub(crate) fn pins(&self) -> Pins {
        let root = self.root();
        Pins {
            head: self.git(&root.join(".graft/kb"), &["rev-parse", "HEAD"]),
            gitlink: self.git(&root, &["rev-parse", ":.graft/kb"]),
            yaml: self.read("graft.yaml"),
            lock: self.read("graft.lock"),
        }
    }

    pub(crate) fn commit_of(&self, tag: &str) -> String {
        self.git(&self.beside("kb"), &["rev-parse", &format!("{tag}^{{commit}}")])
    }

    /// Asserts that everything says `tag`, that git sees a clean checkout, and that nothing of ours is left.
    #[track_caller]
    pub(crate) fn assert_at(&self, tag: &str) {
        let commit = self.commit_of(tag);
        let pins = self.pins();
        assert_eq!((&pins.head, &pins.gitlink), (&commit, &commit));
        assert!(pins.yaml.contains(&format!("#{tag}\"")), "{}", pins.yaml);
        assert!(pins.yaml.contains("# what we use") && pins.yaml.contains("# pinned"), "{}", pins.yaml);
        assert!(
            pins.lock.contains(&commit) && pins.lock.contains(&format!("ref: \"{tag}\"")),
            "{}",
            pins.lock
        );
        assert_eq!(self.read(".graft/kb/current.txt"), tag);
        assert_eq!(self.git(&self.root().join(".graft/kb"), &["status", "--porcelain"]), "");
        self.assert_nothing_left();
    }

    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let root = self.root();
        assert!(!root.join(".git/index.lock").exists());
        let stage = root.join(".backstay/stage");
        assert!(
            fs::read_dir(&stage).map_or(true, |mut left| left.next().is_none()),
            "something is left in the stage"
        );
        let status = self.git(&root, &["status", "--porcelain", "--untracked-files=all"]);
        assert!(!status.contains(".backstay/"), "{status}");
    }

    /// Waits until `path` is there.
    #[track_caller]
    pub(crate) fn wait_for(path: &Path) {
        wait_until(&format!("{} is there", path.display()), || path.exists());
    }
}

/// Where a dependency is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pins {
    pub(crate) head: String,
    pub(crate) gitlink: String,
    pub(crate) yaml: String,
    pub(crate) lock: String,
}

/// Looks again and again, as fast as it can, until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::yield_now();
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
