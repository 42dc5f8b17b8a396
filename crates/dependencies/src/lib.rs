//! The declared dependencies of a workspace: what `graft.yaml` says, what `graft.lock` pins, and what git knows.
//!
//! Everything here computes: it reads files and asks the `git` command, and it returns what a change would write. Nothing
//! in the workspace is changed by this crate itself; the service applies a [`change::Draft`] at one commit point.
//!
//! All parsers take bytes that anyone may have written. They are bounded in size, depth and number of nodes, and they do
//! not panic.

pub mod change;
pub mod declarations;
pub mod git;
pub mod lock;
pub mod mutate;
pub mod plan;
pub mod query;
pub mod run;
pub mod submodule;
pub mod yaml;

mod commit_id;
mod error;
mod login;
mod name;
mod pin;
mod reference;
mod url;
mod workspace;

pub use commit_id::CommitId;
pub use error::{DependencyError, Result};
pub use name::DependencyName;
pub use pin::Pin;
pub use reference::Reference;
pub use url::SourceUrl;
pub use workspace::Workspace;
