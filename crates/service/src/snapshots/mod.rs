//! The life of snapshots.

mod create_snapshot;
mod delete_snapshot;
mod diff_snapshot;
mod hold_snapshot;
mod list_entries;
mod list_operations;
mod list_snapshots;
mod plan_restore;
mod prune_snapshots;
mod read_content;
mod recover;
mod restore_snapshot;
mod show_snapshot;
mod snapshot_history;
mod undo_operation;
mod update_snapshot;
mod verify_snapshots;

pub use read_content::{ContentReader, OpenContent, Subtree, SubtreeItem};
