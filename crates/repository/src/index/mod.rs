//! The index: where every chunk lies. On the store as sealed objects, in memory as one compact table.

mod memory;
mod object;
mod shared;

pub(crate) use memory::{BlockPlace, ChunkPlace, Index};
pub(crate) use object::{IndexedPack, decode_index, encode_index};
pub(crate) use shared::{SharedIndex, list as list_index_objects, read_index};
