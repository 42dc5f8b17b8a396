//! Tools for tests of stores and of what is built on them.
//!
//! - [`conformance::run`] checks that a store keeps the guarantees of [`crate::Store`].
//! - [`FaultStore`] counts operations, makes chosen ones fail, and calls back before each.
//! - [`PowerCut`] records what a local store does to its disk and rebuilds the disk as it may look after a power cut at
//!   any moment.

pub mod conformance;
mod fault;
mod power_cut;
mod simulated;

pub use fault::{Fault, FaultStore, Operation, OperationCounts};
pub use power_cut::{CrashImage, Images, PowerCut};
