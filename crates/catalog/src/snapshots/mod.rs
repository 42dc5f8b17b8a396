//! Snapshots: rows, lists, totals, and the steps of their life.

mod facet;
mod list;
mod read;
mod row;
mod statistics;
mod write;

pub(crate) use list::Condition;
pub use list::SnapshotFilter;
pub use row::{NewSnapshot, SnapshotContent, SnapshotRow, Tombstone};
pub use statistics::{Growth, Statistics};
