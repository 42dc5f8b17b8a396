//! The dependencies of a workspace: what they are, and what changes them. The changes themselves are computed by
//! `backstay-dependencies`; [`change_dependencies`] makes each of them happen whole or not at all.

mod called_command;
mod change_dependencies;
mod draft;
mod foreign_paths;
mod git;
mod list_commands;
mod list_dependencies;
mod list_dependency_changes;
mod put_back;
mod run_command;
mod show_dependency_change;
mod show_dependency_tree;
mod validate_dependencies;
mod wanted;

pub use called_command::{CalledCommand, CommandEvent, CommandHost};
pub(crate) use git::{git_of, git_of_run, wait_for_git};
pub(crate) use put_back::{GitWayBack, put_back_with};
