//! A server for the tests of the verbs that talk to one.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use backstay_testkit::PostgresSchema;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

/// A running server with a workspace registered, stopped when dropped.
pub(crate) struct Served {
    pub(crate) sandbox: Sandbox,
    child: Child,
    pub(crate) url: String,
    pub(crate) login_link: String,
    pub(crate) token: PathBuf,
    pub(crate) schema: Option<PostgresSchema>,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::start_on(None)
    }

    /// A server with its catalog in `schema`, or in its data directory.
    pub(crate) fn start_on(schema: Option<PostgresSchema>) -> Self {
        let sandbox = Sandbox::new();
        let data = sandbox.beside("data");
        let data = data.to_str().unwrap();
        let root = sandbox.root();
        let command = |arguments: &[&str]| {
            let mut command = sandbox.command(arguments);
            if let Some(schema) = &schema {
                command.env("BACKSTAY_DATABASE", schema.url());
            }
            command
        };
        let mut child =
            command(&["serve", "--data-directory", data, "--listen", "127.0.0.1:0", "--format", "ndjson"])
                .arg("--allowed-root")
                .arg(&root)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut event = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
        let listening = event();
        let link = event();
        let url = format!("http://{}", listening["listening"]["address"].as_str().unwrap());
        let login_link = link["login_link"]["url"].as_str().unwrap().to_owned();
        let token = sandbox.beside("token");
        let create =
            &["tokens", "create", "tests", "--role", "superadmin", "--data-directory", data, "--quiet"];
        std::fs::write(&token, Ran::of(&mut command(create)).expect(0).stdout).unwrap();
        let served = Self { sandbox, child, url, login_link, token, schema };
        served.ok(&["workspaces", "add", root.to_str().unwrap(), "--name", "app"]);
        served
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(
            self.sandbox
                .command(arguments)
                .env("BACKSTAY_SERVER", &self.url)
                .env("BACKSTAY_TOKEN_FILE", &self.token),
        )
    }

    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).expect(0).stdout.trim_end_matches('\n').to_owned()
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).expect(0).json()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
