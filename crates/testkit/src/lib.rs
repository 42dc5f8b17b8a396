//! Fixtures and helpers of the tests.
//!
//! - [`tree`] makes directory trees with everything a workspace can hold, and changes them at random.
//! - [`picture`] remembers a tree, byte for byte, and compares it with another.
//! - [`disk`] is a small file system that can be full.
//! - [`kill`] runs a program and kills it at a random moment.
//! - [`services`] finds the PostgreSQL and the S3 server that the test command started.
//! - [`postgres`] makes a schema for one test there, backs it up and puts it back.
//! - [`link`] is a connection to a service that can be cut.
//!
//! Everything random follows from a seed, which is part of every message.

pub mod disk;
pub mod kill;
pub mod link;
pub mod picture;
pub mod postgres;
pub mod services;
pub mod tree;

pub use disk::SmallDisk;
pub use kill::{Ended, Killer};
pub use link::Link;
pub use picture::Picture;
pub use postgres::PostgresSchema;
