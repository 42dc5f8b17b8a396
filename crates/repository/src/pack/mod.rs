//! Packs: sealed blocks of chunks, and a footer that tells what they are.

mod footer;
mod format;
mod writer;

#[cfg(test)]
pub(crate) use footer::BlockInfo;
pub(crate) use footer::{ChunkInfo, PackInfo, decode_blocks, encode_blocks, read_footer};
pub(crate) use format::{PackClass, block_bound_to};
pub(crate) use writer::{PACK_TARGET_BYTES, PackWriter};
