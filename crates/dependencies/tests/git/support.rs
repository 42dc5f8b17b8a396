//! A dependency with a history, a workspace that uses it, and a simple executor of steps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use backstay_dependencies::change::{Draft, Step};
use backstay_dependencies::git::{Git, Stop};
use backstay_dependencies::mutate::{Drafted, Options};
use backstay_dependencies::{DependencyName, Pin, Reference, Workspace};
use backstay_model::Timestamp;

pub(crate) fn name(text: &str) -> DependencyName {
    DependencyName::parse(text).unwrap()
}

pub(crate) fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

pub(crate) struct Scene {
    home: tempfile::TempDir,
    pub(crate) workspace: Workspace,
}

impl Scene {
    /// A workspace `app` and a source `kb` with the tags v1, v2 and v3 on `main`; v2 is annotated.
    pub(crate) fn new() -> Self {
        Self::with_format("sha1")
    }

    pub(crate) fn with_format(format: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let base = home.path().canonicalize().unwrap();
        fs::write(
            base.join("gitconfig"),
            "[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n",
        )
        .unwrap();
        let git = Git::new(Stop::never())
            .with_env("GIT_CONFIG_GLOBAL", base.join("gitconfig"))
            .with_env("GIT_CONFIG_SYSTEM", "/dev/null")
            .with_env("GIT_CONFIG_NOSYSTEM", "1");
        let scene = Self { workspace: Workspace::new(&base.join("app"), git), home };
        for (which, format) in [("app", format), ("kb", format)] {
            fs::create_dir(scene.path(which)).unwrap();
            scene.git(which, &["init", "--quiet", &format!("--object-format={format}")]);
        }
        scene.version("v1", &[("a.txt", "one"), ("dir/b.txt", "b"), ("x/old.txt", "old")], &[]);
        scene.git("kb", &["tag", "v1"]);
        scene.version("v2", &[("a.txt", "two"), ("new/c.txt", "c")], &["x/old.txt"]);
        scene.git("kb", &["tag", "--annotate", "--message=second", "v2"]);
        scene.version("v3", &[("a.txt", "three")], &[]);
        scene.git("kb", &["tag", "v3"]);
        scene.git("app", &["commit", "--quiet", "--allow-empty", "--message=start"]);
        scene
    }

    /// Commits `files` in the source, with a `graft.yaml` that declares the changes up to `version`.
    pub(crate) fn version(&self, version: &str, files: &[(&str, &str)], removed: &[&str]) {
        let kb = self.path("kb");
        for (path, content) in files {
            fs::create_dir_all(kb.join(path).parent().unwrap()).unwrap();
            fs::write(kb.join(path), content).unwrap();
        }
        for path in removed {
            fs::remove_file(kb.join(path)).unwrap();
        }
        let last: u32 = version.trim_start_matches('v').parse().unwrap();
        let change =
            |number| format!("  v{number}: {{type: breaking, migration: m{number}, verify: check}}\n");
        let command = |number| format!("  m{number}: {{run: 'true'}}\n");
        let changes: Vec<String> = (2..=last).map(change).collect();
        let commands: Vec<String> = (2..=last).map(command).collect();
        let yaml = format!(
            "apiVersion: graft/v0\nchanges:\n  v1:\n{}commands:\n  check: {{run: 'true'}}\n{}",
            changes.concat(),
            commands.concat()
        );
        fs::write(kb.join("graft.yaml"), yaml).unwrap();
        self.git("kb", &["add", "--all"]);
        self.git("kb", &["commit", "--quiet", &format!("--message={version}")]);
    }

    pub(crate) fn path(&self, which: &str) -> PathBuf {
        self.home.path().canonicalize().unwrap().join(which)
    }

    pub(crate) fn git(&self, which: &str, args: &[&str]) -> String {
        let output = self.try_git(which, args);
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn try_git(&self, which: &str, args: &[&str]) -> std::process::Output {
        Command::new("git")
            .args(args)
            .current_dir(self.path(which))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("GIT_CONFIG_GLOBAL", self.path("gitconfig"))
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .envs([
                ("GIT_AUTHOR_NAME", "A"),
                ("GIT_AUTHOR_EMAIL", "a@example.org"),
                ("GIT_COMMITTER_NAME", "A"),
                ("GIT_COMMITTER_EMAIL", "a@example.org"),
                ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
                ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
            ])
            .output()
            .unwrap()
    }

    pub(crate) fn commit_of(&self, what: &str) -> String {
        self.git("kb", &["rev-parse", &format!("{what}^{{commit}}")])
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    pub(crate) fn declare(&self, reference: &str) {
        let kb = self.path("kb");
        self.write(
            "app/graft.yaml",
            &format!("apiVersion: graft/v0\ndeps:\n  kb: \"{}#{reference}\" # ours\n", kb.display()),
        );
    }

    pub(crate) fn pin(&self, reference: &str) -> Pin {
        Pin::parse(&format!("{}#{reference}", self.path("kb").display())).unwrap()
    }

    pub(crate) fn options() -> Options {
        Options {
            stage: true,
            offline: false,
            force: false,
            now: Timestamp::from_micros(1_767_225_600_000_000),
        }
    }

    /// A draft with an empty scratch directory.
    pub(crate) fn draft(&self) -> Draft {
        let scratch = self.path("scratch");
        if scratch.exists() {
            fs::remove_dir_all(&scratch).unwrap();
        }
        fs::create_dir(&scratch).unwrap();
        Draft::new(&scratch)
    }

    /// Executes the steps one after the other.
    pub(crate) fn execute<R>(&self, drafted: Drafted<R>) -> R {
        use std::os::unix::ffi::OsStrExt;
        let at = |path: &[u8]| self.path("app").join(std::ffi::OsStr::from_bytes(path));
        let mut coming = Vec::new();
        let parent = |path: &Path| fs::create_dir_all(path.parent().unwrap()).unwrap();
        for step in &drafted.steps {
            match step {
                Step::RemoveTree { path } if at(path).is_dir() => fs::remove_dir_all(at(path)).unwrap(),
                Step::RemoveFile { path } | Step::RemoveTree { path } => fs::remove_file(at(path)).unwrap(),
                Step::RemoveEmpty { path } => fs::remove_dir(at(path)).unwrap(),
                Step::SetAside { path, name } => {
                    let kept = self.path(&format!("kept-{name}"));
                    if kept.exists() {
                        fs::remove_dir_all(&kept).unwrap();
                    }
                    fs::rename(at(path), kept).unwrap();
                }
                Step::Expect { .. } | Step::Hold { .. } => {}
                Step::BringBack { .. } | Step::Write { .. } | Step::Replace { .. } | Step::Place { .. } => {
                    coming.push(step);
                }
            }
        }
        for step in coming {
            match step {
                Step::BringBack { path, name } => {
                    parent(&at(path));
                    fs::rename(self.path(&format!("kept-{name}")), at(path)).unwrap();
                }
                Step::Write { path, content } => {
                    parent(&at(path.as_bytes()));
                    fs::write(at(path.as_bytes()), content).unwrap();
                }
                Step::Replace { path, prepared } => {
                    fs::rename(self.path("scratch").join(prepared), at(path.as_bytes())).unwrap();
                }
                Step::Place { path, prepared } => {
                    parent(&at(path));
                    let from = self.path("scratch").join(std::ffi::OsStr::from_bytes(prepared));
                    fs::rename(from, at(path)).unwrap();
                }
                _ => {}
            }
        }
        drafted.report
    }

    pub(crate) fn resolve(&self) {
        let drafted = backstay_dependencies::mutate::resolve(
            &self.workspace,
            self.draft(),
            &Self::options(),
            backstay_dependencies::mutate::ResolveOptions::default(),
        );
        self.execute(drafted.unwrap());
    }

    /// Everything in the workspace that a change may touch, for comparing.
    pub(crate) fn picture(&self) -> Vec<(PathBuf, Option<Vec<u8>>)> {
        let mut found = Vec::new();
        let mut open = vec![self.path("app")];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                let is_object = path.components().any(|part| part.as_os_str() == "objects");
                if path.is_dir() && !path.is_symlink() {
                    open.push(path.clone());
                    found.push((path, None));
                } else if !is_object {
                    found.push((path.clone(), fs::read(&path).ok()));
                }
            }
        }
        found.sort();
        found
    }
}
