//! Putting a snapshot back.
//!
//! A restore into the workspace is planned, staged under `.backstay/stage`, checked for conflicts, written to a journal,
//! committed by one small file, and then flipped by renames. Before the commit a failure leaves the workspace as it
//! was; after it, [`recover`] goes on where the flip stopped. A restore into an empty directory stages the whole tree
//! there and moves it into place at the end.

mod execute;
mod extract;
mod flip;
mod journal;
mod metadata;
mod operations;
mod plan;
mod recover;
mod stage;
mod steps;
mod to_directory;

pub use execute::{ExecuteOptions, execute};
pub use plan::{Action, PlannedChange, RestoreOptions, RestorePlan, plan};
pub use recover::{Outcome, Recovered, acknowledge, recover};
pub use steps::Steps;
pub use to_directory::restore_to;
