//! Upgrades of dependencies: whole or not at all.
//!
//! A dependency moves to another commit, the migrations that lie between run in a private copy of the workspace, the check
//! of the target runs there too, and then everything changes at one commit point: what the commands wrote, the checkout,
//! `graft.yaml`, `graft.lock` and the git index.

mod commands;
mod differences;
mod end_upgrade;
mod forget_undo_points;
mod found;
mod in_place;
mod keep_failed;
mod output;
mod pins;
mod plan_upgrade;
mod queue_upgrade;
mod show_output;
mod site;
mod steps;
mod targets;
mod undo;
mod upgrade_dependency;
mod work;

pub(crate) use output::Recorder;
pub use output::{KeptEvent, Watch};
pub use show_output::OutputPart;
pub(crate) use steps::{StepNote, receive_steps};
pub(crate) use undo::WayBack;
