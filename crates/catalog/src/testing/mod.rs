//! Filling a catalog with generated rows, much faster than through the transactions that people use.
//!
//! The result is what those transactions would have made: the chain verifies, counters and text indexes fit.

mod bulk;
mod fill;
mod generate;

pub use fill::{FillOptions, fill};
pub use generate::Generator;
