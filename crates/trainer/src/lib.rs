//! The built-in trainer: cascade correlation (Fahlman and Lebiere, "The Cascade-Correlation Learning Architecture",
//! CMU-CS-90-100, 1990), in 32-bit floats, full batch.
//!
//! - [`Trainer`] runs it, an epoch or many at a time, on as many threads as it is given.
//! - [`State`] is all that a run is: [`Trainer::state`] gives it, [`Trainer::resume`] goes on from it.
//! - [`Parameters`] are what can be set, with their bounds; [`Status`] and [`Command`] are the state machine of a run.
//! - [`Dataset`] is what is learned; [`Generator`] makes the ones that need no file.
//!
//! **Deterministic.** Equal seed, data and parameters give equal bits at any number of threads and on any processor of
//! one architecture: candidates do not depend on each other, every sum is taken in one order, nothing is contracted to
//! fused operations, elementary functions are computed here and not by the system, and random numbers are
//! functions of (seed, purpose, round, candidate).
//!
//! **Exact.** A run that is taken up from a [`State`] at any epoch goes on as if it had never stopped, bit for bit.
//!
//! The crate knows no file, no clock and no network.

mod candidate;
mod completion;
mod data;
mod fold;
mod history;
mod kernel;
mod network;
mod optimizer;
mod output;
mod parameters;
mod random;
mod state;
mod status;
mod trainer;
mod workers;

pub use completion::Completion;
pub use data::{Dataset, Generator, InvalidData, Samples, Spiral};
pub use history::{EpochHistory, EpochRow, ParameterChange, Round};
pub use kernel::Activation;
pub use network::{Network, Unit};
pub use optimizer::{Moments, OptimizerKind};
pub use parameters::{InvalidParameter, Parameters};
pub use random::ALGORITHM as RANDOM_ALGORITHM;
pub use state::{Candidate, InvalidState, Origin, Pool, Stage, State};
pub use status::{Command, Phase, Refusal, Status};
pub use trainer::{Event, Trainer, TrainerError};
