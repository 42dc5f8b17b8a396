//! The index: where every chunk lies. On the store as sealed objects, in memory as one compact table.

mod memory;
mod object;
mod shared;

pub(crate) use memory::{BlockPlace, ChunkPlace, Index};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use object::decode_index;
pub(crate) use object::{IndexedPack, encode_index};
pub(crate) use shared::{SharedIndex, list as list_index_objects, read_index};
