//! Fixtures and helpers of the tests.
//!
//! - [`tree`] makes directory trees with everything a workspace can hold, and changes them at random.
//! - [`picture`] remembers a tree, byte for byte, and compares it with another.
//! - [`kill`] runs a program and kills it at a random moment.
//! - [`services`] finds the PostgreSQL and the S3 server that the test command started.
//!
//! Everything random follows from a seed, which is part of every message.

pub mod kill;
pub mod picture;
pub mod services;
pub mod tree;

pub use kill::{Ended, Killer};
pub use picture::Picture;
