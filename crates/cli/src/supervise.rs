//! The supervising process of commands is this program, started again with a word that no command has.

use std::ffi::OsString;
use std::process::ExitCode;

use backstay_process::Supervisor;

/// The word. Nobody types it, so no help text names it.
const WORD: &str = "__supervise";

/// Supervises and returns the exit code, when that is what this process was started for.
pub(crate) fn entry(mut arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    (arguments.nth(1)? == WORD).then(|| backstay_process::supervise(arguments))
}

/// The supervisor of the commands that this process runs.
pub(crate) fn supervisor() -> Supervisor {
    Supervisor::this_program([WORD])
}
