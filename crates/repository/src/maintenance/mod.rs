//! Keeping a repository in order: verify, repair, collect, copy, count.
//!
//! Everything here works while others read and write, and can be broken off at any time without harm.

mod bits;
mod collect;
mod copy;
mod live;
mod pack_blocks;
mod parallel;
mod repair;
mod replace_index;
mod rewrite;
mod statistics;
mod survey;
mod usage;
mod verify;

pub use collect::{CollectOptions, CollectReport};
pub use copy::{CopyOptions, CopyReport, copy_snapshots};
pub use repair::{RepairOptions, RepairReport};
pub use statistics::{SourceStatistics, Statistics, StatisticsOptions};
pub use verify::{DamagedObject, LostPath, SnapshotDamage, VerifyDepth, VerifyOptions, VerifyReport};
