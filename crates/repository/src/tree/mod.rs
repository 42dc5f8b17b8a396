//! Trees: directories as lists of pages that unchanged snapshots share.

mod builder;
mod codec;
mod entry;

pub use builder::DirectoryBuilder;
pub(crate) use codec::decode_entries;
#[cfg(test)]
pub(crate) use codec::encode_page;
pub use entry::{DirectoryRef, Entry, Node, Xattr};
