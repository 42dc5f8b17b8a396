//! Commands and sequences: what is run, where, and with which environment. Nothing here runs anything.

mod call;
mod catalogue;
mod environment;
mod state;

pub use call::{Invocation, Step, invocation, working_directory};
pub use catalogue::{Catalogue, Listed, catalogue};
pub use environment::{Surroundings, environment};
pub use state::{SequenceState, StateDirectory};
