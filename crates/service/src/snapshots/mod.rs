//! The life of snapshots.

mod capture;
mod create_snapshot;
mod delete_decided;
mod delete_snapshot;
mod diff_snapshot;
mod hold_snapshot;
mod list_entries;
mod list_snapshots;
mod mark_snapshots;
mod prune_snapshots;
mod read_content;
mod restore_test;
mod show_snapshot;
mod snapshot_history;
mod snapshot_pages;
mod stored;
mod tree_walk;
mod update_snapshot;
mod verify_snapshots;
mod view;

pub(crate) use capture::{CaptureOf, check_new_snapshot, stored_content};
pub(crate) use diff_snapshot::{change_of_states, context_of};
pub use read_content::{ContentReader, OpenContent, Subtree, SubtreeItem};
pub(crate) use stored::Stored;
pub(crate) use verify_snapshots::report_of;
pub(crate) use view::scope_of;
