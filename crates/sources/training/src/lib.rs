//! Training runs: what is particular to them as a source of snapshots. No SQL, no HTTP.
//!
//! - [`Snapshot`]: the whole state of a run of the built-in trainer, written as an HDF5 file that tools of the format
//!   `juniper.cascor` 2 read, and read back for going on bit for bit.
//! - [`Snapshot::read`] also takes files of that format from other tools, with what they hold.
//! - [`stored`]: the same snapshot in a repository, its tensors raw and in blocks.
//! - [`compare()`]: what two snapshots differ in, tensor by tensor.
//! - [`data`]: data sets from `.csv`, `.npy` and `.h5`.

mod compare;
pub mod data;
mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod parameters;
pub mod stored;

pub use compare::{Comparison, TensorDifference, TensorStatus, compare};
pub use file::{Content, FormatName, Header, Lineage, Partial, Snapshot, SnapshotError, group_size};
pub use parameters::check_parameters;
