//! Packs: sealed blocks of chunks, and a footer that tells what they are.

mod footer;
mod format;
mod writer;

pub(crate) use footer::{BlockInfo, ChunkInfo, PackInfo, decode_blocks, encode_blocks, read_footer};
pub(crate) use format::{HEADER_BYTES, PackClass, block_bound_to};
pub(crate) use writer::{PACK_TARGET_BYTES, PackWriter};
