//! `graft.yaml`: what a workspace depends on, and what a dependency declares about itself.
//!
//! [`read`] reports everything that is wrong, with lines; [`Declarations::parse`] stops at the first mistake. [`edit`]
//! changes one declaration and leaves every other byte of the text as it is.

mod change;
mod command;
mod declared;
pub mod edit;
mod fields;
mod read;
mod sequence;

pub use change::Change;
pub use command::{Argument, Command};
pub use declared::{Declared, Section};
pub use read::{Declarations, Problem, Reading, read};
pub use sequence::{Sequence, StateQuery};

/// The name of the file.
pub const FILE_NAME: &str = "graft.yaml";
