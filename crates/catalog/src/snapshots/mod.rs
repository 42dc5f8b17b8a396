//! Snapshots: rows, lists, totals, and the steps of their life.

pub(crate) mod facet;
mod list;
mod read;
pub(crate) mod row;
mod statistics;
pub(crate) mod write;

pub use list::SnapshotFilter;
pub use row::{NewSnapshot, SnapshotContent, SnapshotRow, Tombstone};
pub use statistics::{Growth, Statistics};
