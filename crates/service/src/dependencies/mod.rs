//! The dependencies of a workspace: what they are, and what changes them. The changes themselves are computed by
//! `backstay-dependencies`; [`change_dependencies`] makes each of them happen whole or not at all.

mod change_dependencies;
mod draft;
mod git;
mod list_dependencies;
mod list_dependency_changes;
mod wanted;

pub(crate) use git::{git_of, refuse_git_at_work};
