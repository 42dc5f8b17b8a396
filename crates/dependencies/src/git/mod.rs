//! The driver of the `git` command.
//!
//! # Guarantees
//! * Git is started with a list of arguments, never through a shell. What a person wrote is checked by type
//!   ([`SourceUrl`](crate::SourceUrl), [`Reference`](crate::Reference), [`DependencyName`](crate::DependencyName)) and
//!   stands behind `--` or `--end-of-options`, so that it cannot become an option.
//! * Our own operations run no hooks, ask no questions on the terminal, and use the transports ssh, https, http, file and
//!   git only.
//! * What git prints is bounded and shown without credentials.
//! * There is no time limit: a clone may take as long as it takes. [`Stop`] ends it.

mod call;
mod checkout;
mod declarations;
mod error;
mod fetch;
mod history;
mod objects;
mod refs;
mod repository;
mod superproject;

pub use call::{Git, Stop};
pub(crate) use checkout::Differing;
pub use error::GitError;
pub use history::Ancestry;
pub(crate) use history::marked_ancestors;
pub use repository::{Store, Superproject};
pub(crate) use superproject::IndexEdit;
