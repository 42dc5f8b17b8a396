//! Workspaces: directory trees captured, compared and put back exactly.
//!
//! - [`capture`] reads a tree into a repository; what is unchanged since the parent snapshot is not read.
//! - [`diff_snapshots`] and [`diff_live`] tell what changed.
//! - [`plan`] tells what putting a snapshot back would change, [`execute`] does it whole or not at all, [`execute_group`]
//!   does it in several workspaces or in none, and [`recover`] finishes what an interruption left. [`restore_to`] restores
//!   into an empty directory, [`unpack_to`] what was sent as an archive.
//! - [`ChangeSet`] changes single paths, whole or not at all, with the same journal.
//! - [`WorkspaceLock`] keeps operations of different processes apart; [`execute`] and [`recover`] want it held.
//!
//! Everything works relative to open directories and follows no symbolic link, so nothing outside of the root is read
//! or written, whatever a snapshot or another process says.

mod attributes;
mod capture;
mod change_set;
mod compare;
pub mod declared;
mod error;
mod exclude;
mod fs;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod lock;
mod restore;
mod selection;
mod source;

pub use attributes::{RootMetadata, WorkspaceAttributes};
pub use capture::{CaptureOptions, capture};
pub use change_set::{
    Applied, ChangeSet, ChangeSetOptions, Fingerprint, Layer, LayerEntry, LayerKind, Outcome, PathChange,
    PathChangeKind, Recovered, Seen, Steps, TreeCopy, acknowledge, fingerprints, forget_kept, kept, recover,
    stage_of,
};
pub use compare::{
    Change, ChangeKind, ContentCheck, DiffOptions, EntryKind, EntryState, diff_live, diff_snapshots,
};
pub use error::{Result, WorkspaceError};
pub use exclude::{ExcludeOptions, IGNORE_FILE, OWN_DIRECTORY};
pub use fs::file_system_time;
pub use lock::{LockOwner, WorkspaceLock, hide_from_git, host_name};
pub use restore::{
    Action, ExecuteOptions, GroupMember, PlannedChange, RestoreOptions, RestorePlan, execute, execute_group,
    plan, restore_to, unpack_to,
};
pub use selection::Selection;
pub use source::{Execution, WorkspaceSource};
