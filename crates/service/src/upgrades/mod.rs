//! Upgrades of dependencies: whole or not at all.
//!
//! A dependency moves to another commit, the migrations that lie between run in a private copy of the workspace, the check
//! of the target runs there too, and then everything changes at one commit point: what the commands wrote, the checkout,
//! `graft.yaml`, `graft.lock` and the git index.

mod commands;
mod found;
mod output;
mod plan_upgrade;
mod private_copy;
mod show_output;
mod targets;
mod undo;
mod upgrade_dependency;
mod work;

pub use output::Watch;
pub use show_output::OutputPart;
pub(crate) use undo::WayBack;
