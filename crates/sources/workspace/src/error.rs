//! What can go wrong with a workspace.

use std::io;

use backstay_model::ErrorKind;
use backstay_repository::RepositoryError;
use rustix::io::Errno;

use crate::fs::display;
use crate::lock::LockOwner;

/// The result of an operation on a workspace.
pub type Result<T, E = WorkspaceError> = std::result::Result<T, E>;

/// A failed operation on a workspace. Unless its text says otherwise, the workspace is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The repository failed.
    #[error(transparent)]
    Repository(#[from] RepositoryError),

    /// A system call on a path failed.
    #[error("cannot {operation} `{path}`")]
    Path {
        /// What was tried, for example `read`.
        operation: &'static str,
        /// The path below the root, as a person reads it.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },

    /// A path that was named does not exist.
    #[error("`{path}` does not exist in the workspace")]
    Missing {
        /// The path.
        path: String,
    },

    /// A path that was named leads out of the workspace or is no path.
    #[error("`{path}` is not a path inside the workspace")]
    BadPath {
        /// The path.
        path: String,
    },

    /// A pattern cannot be understood.
    #[error("`{pattern}` is not a pattern: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },

    /// A file changed each time it was read, and the capture is strict.
    #[error("`{path}` changed while it was read, {tries} times")]
    ChangedWhileRead {
        /// The path.
        path: String,
        /// How often it was read.
        tries: u32,
    },

    /// Another operation holds the lock of the workspace.
    #[error("the workspace is in use by {owner}")]
    Busy {
        /// Who.
        owner: LockOwner,
    },

    /// An earlier operation did not finish.
    #[error("operation {operation} did not finish")]
    NeedsRecovery {
        /// The operation.
        operation: String,
    },

    /// Paths were changed by someone else after the plan was made. Nothing was applied.
    #[error("{} changed since the plan was made; nothing was applied", list(paths))]
    Conflict {
        /// The paths.
        paths: Vec<String>,
    },

    /// Another program is about to change the same thing, and says so by this file.
    #[error("`{path}` exists: another program is at work, or was interrupted")]
    Taken {
        /// The lock file of that program.
        path: String,
    },

    /// Two names of the snapshot are one name on the target file system.
    #[error("`{first}` and `{second}` are the same name on the target file system")]
    NamesCollide {
        /// One name.
        first: String,
        /// The other.
        second: String,
    },

    /// The target of a restore to another place is in use.
    #[error("{path} is not empty")]
    TargetNotEmpty {
        /// The directory.
        path: String,
    },

    /// A stored tree that no capture makes: it is damaged or made to do harm.
    #[error("the snapshot holds an entry that cannot be restored safely: {reason}")]
    HostileTree {
        /// What is wrong.
        reason: String,
    },

    /// The journal of an operation cannot be read.
    #[error("the journal of operation {operation} is damaged: {reason}")]
    DamagedJournal {
        /// The operation.
        operation: String,
        /// What is wrong.
        reason: String,
    },

    /// The restore passed its commit point but could not finish. The next recovery goes on with it.
    #[error("operation {operation} is committed but not finished at `{path}`; run `backstay recover`")]
    Unfinished {
        /// The operation.
        operation: String,
        /// Where it stopped.
        path: String,
        /// The cause.
        #[source]
        source: io::Error,
    },

    /// A test asked for this failure.
    #[doc(hidden)]
    #[error("stopped by a test at step {step}")]
    Fault {
        /// The step.
        step: u64,
    },
}

impl WorkspaceError {
    pub(crate) fn path(operation: &'static str, path: &[u8], errno: Errno) -> Self {
        Self::Path { operation, path: display(path), source: errno.into() }
    }

    pub(crate) fn cancelled() -> Self {
        Self::Repository(RepositoryError::Cancelled)
    }

    /// What the error means on every interface.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Repository(error) => error.kind(),
            Self::Path { source, .. } | Self::Unfinished { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
                io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Internal,
            },
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::BadPath { .. } | Self::BadPattern { .. } => ErrorKind::Invalid,
            Self::ChangedWhileRead { .. }
            | Self::NeedsRecovery { .. }
            | Self::Conflict { .. }
            | Self::NamesCollide { .. }
            | Self::TargetNotEmpty { .. } => ErrorKind::Conflict,
            Self::Busy { .. } | Self::Taken { .. } => ErrorKind::Busy,
            Self::HostileTree { .. } | Self::DamagedJournal { .. } => ErrorKind::Damaged,
            Self::Fault { .. } => ErrorKind::Internal,
        }
    }

    /// Whether the caller's own cancel flag ended the operation.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Repository(error) if error.is_cancelled())
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Repository(error) => error.hint(),
            _ if self.kind() == ErrorKind::StorageFull => {
                Some("free some space and run the same again; nothing was damaged")
            }
            Self::Path { operation: "read", .. } => {
                Some("give yourself the right to read it, exclude it, or use `--allow-unreadable`")
            }
            Self::Missing { .. } => Some("check the spelling; paths are relative to the workspace"),
            Self::Busy { .. } => Some("wait for it with `--wait SECONDS`"),
            Self::Taken { .. } => Some("wait for that program, or remove the file when there is none"),
            Self::NeedsRecovery { .. } | Self::Unfinished { .. } => Some("run `backstay recover`"),
            Self::Conflict { .. } => Some("look at `backstay diff`, then plan again"),
            Self::TargetNotEmpty { .. } => Some("name a new or an empty directory"),
            Self::ChangedWhileRead { .. } => {
                Some("stop the program that writes it, or save without `--strict`")
            }
            _ => None,
        }
    }
}

fn list(paths: &[String]) -> String {
    let shown: Vec<String> = paths.iter().take(3).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    shown.join(", ") + &more
}
