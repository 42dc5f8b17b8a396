//! Why a command could not be run.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

/// Why a command could not be run, or could not be followed to its end. Whatever the error, none of its processes is
/// left.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not there.
    #[error("the program `{}` was not found", program.display())]
    NotFound {
        /// The program.
        program: OsString,
    },
    /// The program is there and cannot be executed.
    #[error("the program `{}` cannot be executed", program.display())]
    NotExecutable {
        /// The program.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// The working directory is not there, or no directory.
    #[error("the working directory {} cannot be entered", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// An argument or a variable cannot be given to a program.
    #[error("an argument or a variable contains a NUL byte")]
    Nul,
    /// An overlay that cannot be.
    #[error("the overlay cannot be used: {reason}")]
    Overlay {
        /// What is wrong with it.
        reason: String,
    },
    /// The machine does not allow what the command needs.
    #[error("this machine does not allow to {step}")]
    NotAllowed {
        /// What is not allowed.
        step: String,
        /// Why.
        source: io::Error,
    },
    /// The supervisor could not be started.
    #[error("the supervisor {} cannot be started", program.display())]
    Supervisor {
        /// Its program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The supervisor ended before the command did; somebody killed it.
    #[error("the supervisor of the command ended before it could tell how the command did")]
    SupervisorLost,
    /// A call of the operating system failed.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl ProcessError {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
