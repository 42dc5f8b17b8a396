//! The contract that a kind of source fulfils.
//!
//! A [`Source`] knows how to capture its state into a repository, to plan how a stored state is put back, and to
//! execute that plan. It blocks, uses threads of its own, knows no SQL and no HTTP, and gets everything it needs
//! through its parameters: the clock, the progress, the flag that cancels it.

mod capture;
mod progress;
mod restore;
mod source;

pub use capture::{CaptureContext, Captured, Warnings};
pub use progress::{Counters, CountersSnapshot};
pub use restore::{CannotRestore, RestoreContext, RestoreReport};
pub use source::Source;
