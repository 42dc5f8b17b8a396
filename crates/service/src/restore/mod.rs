//! Putting states back: plans, operations, undo, recovery.

mod changed_paths;
mod execute;
mod execute_members;
mod list_operations;
mod operation;
mod plan_restore;
mod recover;
mod restore_snapshot;
mod restore_to;
mod undo_operation;

pub(crate) use changed_paths::{ChangedPaths, GitChange, is_only_directory_time};
pub(crate) use operation::{Done, NewOperation, StoredMove, UpgradeDetail, cannot_restore};
pub(crate) use undo_operation::refuse_edited;
