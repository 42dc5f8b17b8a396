//! Workspaces that are captured together.

mod create_group_snapshot;
mod manage_groups;
mod restore_group_snapshot;
