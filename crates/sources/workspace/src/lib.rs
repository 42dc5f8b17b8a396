//! Workspaces: directory trees captured, compared and put back exactly.

mod attributes;
mod capture;
mod compare;
mod error;
mod exclude;
mod fs;
mod lock;
mod selection;

pub use attributes::{RootMetadata, WorkspaceAttributes};
pub use capture::{CaptureOptions, capture};
pub use compare::{
    Change, ChangeKind, ContentCheck, DiffOptions, EntryKind, EntryState, diff_live, diff_snapshots,
};
pub use error::{Result, WorkspaceError};
pub use exclude::{ExcludeOptions, IGNORE_FILE, OWN_DIRECTORY};
pub use lock::{LockOwner, WorkspaceLock, host_name};
pub use selection::Selection;
