//! Checkpoints of jobs, the values of their channels, their pending writes.

mod content;
mod holds;
mod keys;
mod read;
mod row;
mod stored;
mod write;
mod writes;

pub use content::{ContentTable, Link, ValueRow};
pub use holds::CheckpointHold;
pub use keys::{ContentKeyRow, JobNumbers};
pub use read::NamedFilter;
pub use row::{CheckpointFlags, CheckpointHead, CheckpointPosition, CheckpointRow, FoundCheckpoint};
pub use stored::StoredContentRow;
pub use writes::WriteRow;
