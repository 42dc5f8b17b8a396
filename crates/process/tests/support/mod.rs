//! What the suites share.

use std::path::{Path, PathBuf};

use backstay_process::{Command, KeptOutput, Outcome, ProcessError, Program, Stream, Supervisor};

/// The program `examples/supervised.rs`, which is built with the tests.
pub(crate) fn supervised() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/supervised");
    assert!(program.exists(), "{} is built by `cargo test` and `cargo nextest run`", program.display());
    program
}

pub(crate) fn supervisor() -> Supervisor {
    Supervisor::new(supervised(), ["supervise"])
}

pub(crate) fn shell(text: &str) -> Command {
    Command::new(Program::shell(text), "/")
}

pub(crate) fn run(command: &Command) -> Result<Outcome, ProcessError> {
    backstay_process::run(&supervisor(), command, &mut |_, _| {}, &|| false)
}

pub(crate) fn stdout(output: &KeptOutput) -> String {
    String::from_utf8(output.of(Stream::Stdout)).unwrap()
}
