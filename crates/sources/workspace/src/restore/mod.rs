//! Putting a snapshot back.
//!
//! A restore into the workspace is planned and staged, and then applied like every set of changes
//! ([`crate::change_set`]). A restore into an empty directory stages the whole tree there and moves it into place at the
//! end.

mod execute;
mod execute_group;
mod extract;
mod from_archive;
mod of_plan;
mod plan;
mod stage_plan;
mod to_directory;

pub use execute::{ExecuteOptions, execute};
pub use execute_group::{GroupMember, execute_group};
pub use from_archive::unpack_to;
pub use plan::{Action, PlannedChange, RestoreOptions, RestorePlan, plan};
pub use to_directory::restore_to;
