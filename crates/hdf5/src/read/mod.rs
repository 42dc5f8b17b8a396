//! Reading, without believing what is read.
//!
//! [`File::open`] reads the superblock alone; everything else is read when it is asked for. What all calls on one
//! [`File`] read of metadata is counted against [`Limits::metadata_bytes`], so that no arrangement of nodes that point at
//! each other goes on for ever. Data are never larger in memory than [`Limits::dataset_bytes`], nor than what the file
//! can hold.

mod attribute;
mod bytes;
mod chunks;
mod dataset;
mod error;
mod file;
mod filters;
mod group;
mod header;
mod heap;
mod source;

pub use attribute::Value;
pub use dataset::Dataset;
pub use error::ReadError;
pub use file::{File, Limits, Object};
pub use group::Group;
pub use source::Source;
