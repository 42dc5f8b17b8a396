//! A workspace of its own for a test, and the binary run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_backstay");

/// A temporary directory with an empty workspace in it.
pub(crate) struct Sandbox {
    directory: TempDir,
}

/// What a run of the binary gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    line: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// A sandbox inside `parent`, for example another file system.
    pub(crate) fn below(parent: &Path) -> Self {
        let directory = tempfile::Builder::new().prefix("backstay-cli-").tempdir_in(parent).unwrap();
        std::fs::create_dir(directory.path().join("w")).unwrap();
        Self { directory }
    }

    /// The workspace.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join("w")
    }

    /// A path beside the workspace.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    /// Writes a file of the workspace, making its directories.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Reads a file of the workspace.
    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// The command with these arguments, standing in the workspace, apart from this machine's configuration.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.root());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("BACKSTAY_") || name.starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.directory.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env("USER", "anna")
            .env("TZ", "UTC")
            .stdin(std::process::Stdio::null());
        command
    }

    /// Runs the binary.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Runs the binary, which succeeds; its standard output without the last line feed.
    pub(crate) fn ok<S: AsRef<OsStr>>(&self, arguments: &[S]) -> String {
        self.run(arguments).expect(0).stdout.trim_end_matches('\n').to_owned()
    }

    /// Runs the binary with `--json`, which succeeds.
    pub(crate) fn json<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Value {
        let mut all: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        all.push(OsStr::new("--json"));
        self.run(&all).expect(0).json()
    }

    /// Takes a snapshot; its id.
    pub(crate) fn save(&self) -> String {
        self.ok(&["save"])
    }
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let line = format!("{command:?}");
        let Output { status, stdout, stderr } = command.output().unwrap();
        Self {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            line,
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\nstdout: {}\nstderr: {}", self.line, self.stdout, self.stderr);
        self
    }

    /// Standard output as the one JSON object that it is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}
