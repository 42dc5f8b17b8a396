//! Workspaces: directory trees captured, compared and put back exactly.

mod error;
mod exclude;
mod fs;
mod lock;

pub use error::{Result, WorkspaceError};
pub use exclude::{ExcludeOptions, IGNORE_FILE, OWN_DIRECTORY};
pub use lock::{LockOwner, WorkspaceLock, host_name};
