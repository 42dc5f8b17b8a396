//! What changes the dependencies of a workspace, one file for each use case. The changes themselves are computed by
//! `backstay-dependencies`; [`change`] makes each of them happen whole or not at all.

mod add_dependency;
mod apply_dependency;
mod change;
mod fetch_dependencies;
mod fix_lock;
mod git;
mod remove_dependency;
mod resolve_dependencies;
mod show_dependencies;
mod sync_dependencies;

pub use change::{ChangeRequest, DependencyChange};
pub(crate) use git::{git_of, refuse_git_at_work};
