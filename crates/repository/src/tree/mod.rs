//! Trees: directories as lists of pages that unchanged snapshots share.

mod builder;
mod entry;

pub use builder::DirectoryBuilder;
pub use entry::{DirectoryRef, Entry, Node, Xattr};
