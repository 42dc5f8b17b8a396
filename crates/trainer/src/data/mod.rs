//! What is learned: samples, and generators of the data sets that need no file.

mod generator;
mod samples;

pub use generator::{Generator, Spiral};
pub use samples::{Dataset, InvalidData, Samples};
