//! Keeping a repository in order: verify, repair, collect, copy, count.
//!
//! Everything here works while others read and write, and can be broken off at any time without harm.

mod bits;
mod live;
mod pack_blocks;
mod parallel;
mod survey;
mod verify;

pub use verify::{DamagedObject, LostPath, SnapshotDamage, VerifyDepth, VerifyOptions, VerifyReport};
