//! How a git command failed.

use std::path::PathBuf;

use backstay_model::ErrorKind;

/// Why a git command did not succeed. Credentials are left out.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git`, or it cannot be started.
    #[error("git cannot be started")]
    NotStarted {
        /// The cause.
        source: std::io::Error,
    },
    /// Git ended with an error.
    #[error("git {command} failed: {message}")]
    Failed {
        /// The command, for example `fetch`.
        command: String,
        /// Its exit code; none when a signal ended it.
        code: Option<i32>,
        /// The end of what it said, without credentials.
        message: String,
    },
    /// Git wrote something that was not expected.
    #[error("git {command} answered in an unexpected way")]
    Unexpected {
        /// The command.
        command: String,
    },
    /// Git wrote more than is taken.
    #[error("git {command} wrote more than {limit} bytes")]
    TooMuchOutput {
        /// The command.
        command: String,
        /// The most bytes that are taken.
        limit: usize,
    },
    /// The directory is in no git work tree.
    #[error("{} is in no git work tree", directory.display())]
    NoRepository {
        /// The directory.
        directory: PathBuf,
    },
    /// The caller stopped it.
    #[error("stopped")]
    Stopped,
}

impl GitError {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotStarted { .. } | Self::Stopped => ErrorKind::Unavailable,
            Self::NoRepository { .. } => ErrorKind::Conflict,
            Self::Failed { command, message, .. } => {
                if message.contains("No space left on device") {
                    ErrorKind::StorageFull
                } else if matches!(command.as_str(), "clone" | "fetch" | "ls-remote") {
                    ErrorKind::Unavailable
                } else {
                    ErrorKind::Conflict
                }
            }
            Self::Unexpected { .. } | Self::TooMuchOutput { .. } => ErrorKind::Internal,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotStarted { .. } => Some("install git 2.31 or newer, so that `git --version` works"),
            Self::NoRepository { .. } => Some("`git init` makes one; dependencies are git submodules"),
            Self::Failed { command, .. } if command == "fetch" => {
                Some("look at the source's address and your access to it; --offline works with what is here")
            }
            Self::Failed { command, .. } if command == "clone" => {
                Some("look at the source's address and your access to it")
            }
            _ => None,
        }
    }

    /// Whether the caller stopped it.
    pub const fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}
