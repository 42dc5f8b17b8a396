//! What a pack consists of: described in its sealed footer, and again, with shorter ids, in the index.

use backstay_store::Store;

use crate::block::Encoding;
use crate::crypto::{Subkeys, TAG_BYTES};
use crate::error::{RepositoryError, Result};
use crate::id::{ChunkId, PackId};
use crate::limits::{MAX_BLOCK_BYTES, MAX_BLOCK_CHUNKS, MAX_CHUNK_BYTES, MAX_OBJECT_BYTES, MAX_PACK_BYTES};
use crate::pack::format::{FOOTER_NUMBER, HEADER_BYTES, Header, PackClass, TRAILER_BYTES, decode_trailer};
use crate::wire::{Decoder, Malformed, put_varint};

/// A chunk in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkInfo<Id> {
    pub(crate) id: Id,
    pub(crate) length: u32,
}

/// A block in a pack. Blocks follow each other without gaps, and so do the chunks in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockInfo {
    /// Where the sealed block begins, from the start of the pack.
    pub(crate) offset: u32,
    /// The length of the sealed block, tag included.
    pub(crate) stored_bytes: u32,
    /// The length of the block before encoding.
    pub(crate) raw_bytes: u32,
    /// How it is encoded.
    pub(crate) encoding: Encoding,
    /// How many chunks it has, at least 1.
    pub(crate) chunk_count: u32,
}

/// A pack: all chunks of all blocks, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackInfo<Id> {
    pub(crate) id: PackId,
    pub(crate) salt: [u8; 32],
    pub(crate) class: PackClass,
    /// The length of the whole pack, in bytes.
    pub(crate) size: u64,
    pub(crate) blocks: Vec<BlockInfo>,
    pub(crate) chunks: Vec<ChunkInfo<Id>>,
}

/// Appends the description of blocks: a count, then for each its stored length, encoding, number of chunks, and the
/// length and id of each chunk.
pub(crate) fn encode_blocks<Id>(
    out: &mut Vec<u8>,
    blocks: &[BlockInfo],
    chunks: &[ChunkInfo<Id>],
    put_id: impl Fn(&mut Vec<u8>, &Id),
) {
    put_varint(out, blocks.len() as u64);
    let mut rest = chunks.iter();
    for block in blocks {
        put_varint(out, block.stored_bytes.into());
        out.push(block.encoding.to_byte());
        put_varint(out, block.chunk_count.into());
        for chunk in rest.by_ref().take(block.chunk_count as usize) {
            put_varint(out, chunk.length.into());
            put_id(out, &chunk.id);
        }
    }
}

/// Reads what [`encode_blocks`] wrote; `id_bytes` is the length of an id.
pub(crate) fn decode_blocks<'a, Id>(
    from: &mut Decoder<'a>,
    mut take_id: impl FnMut(&mut Decoder<'a>) -> Result<Id, Malformed>,
) -> Result<(Vec<BlockInfo>, Vec<ChunkInfo<Id>>), Malformed> {
    let count = from.bounded(MAX_PACK_BYTES / 16, "it has too many blocks")?;
    // A block takes at least 20 bytes here, so the rest of the input bounds what is reserved.
    let mut blocks = Vec::with_capacity((count as usize).min(from.remaining() / 20));
    let mut chunks = Vec::with_capacity((from.remaining() / 17).min(1024));
    let mut offset = HEADER_BYTES as u64;
    for _ in 0..count {
        let stored = from.bounded((MAX_BLOCK_BYTES + 1024) as u64, "a block is too large")?;
        let encoding = Encoding::from_byte(from.u8()?)?;
        let chunk_count = from.bounded(MAX_BLOCK_CHUNKS as u64, "a block has too many chunks")?;
        if chunk_count == 0 || stored < TAG_BYTES as u64 {
            return Err(Malformed("a block is empty"));
        }
        let mut raw = 0_u64;
        for _ in 0..chunk_count {
            let length = from.bounded(MAX_CHUNK_BYTES as u64, "a chunk is too large")?;
            raw += length;
            chunks.push(ChunkInfo { length: length as u32, id: take_id(from)? });
        }
        if raw > MAX_BLOCK_BYTES as u64 || offset + stored > MAX_PACK_BYTES {
            return Err(Malformed("a block is too large"));
        }
        blocks.push(BlockInfo {
            offset: offset as u32,
            stored_bytes: stored as u32,
            raw_bytes: raw as u32,
            encoding,
            chunk_count: chunk_count as u32,
        });
        offset += stored;
    }
    Ok((blocks, chunks))
}

/// Reads the header and the footer of a pack: two or three small reads, independent of the index.
pub(crate) fn read_footer(
    store: &dyn Store,
    keys: &Subkeys,
    id: PackId,
    size: u64,
) -> Result<PackInfo<ChunkId>> {
    let name = id.object_name();
    let damaged = |reason| RepositoryError::damaged(&name, reason);
    let fixed = (HEADER_BYTES + TRAILER_BYTES + TAG_BYTES) as u64;
    if size < fixed || size > MAX_PACK_BYTES {
        return Err(damaged("its size is not that of a pack"));
    }
    let header_bytes = store.get_range(&name, 0..HEADER_BYTES as u64)?;
    let header = Header::decode(&header_bytes).map_err(|Malformed(reason)| damaged(reason))?;
    let trailer = store.get_range(&name, size - TRAILER_BYTES as u64..size)?;
    let footer_bytes = u64::from(decode_trailer(&trailer).map_err(|Malformed(reason)| damaged(reason))?);
    if footer_bytes > MAX_OBJECT_BYTES as u64
        || footer_bytes < TAG_BYTES as u64
        || footer_bytes + fixed - TAG_BYTES as u64 > size
    {
        return Err(damaged("its footer cannot be of that length"));
    }
    let end = size - TRAILER_BYTES as u64;
    let sealed = store.get_range(&name, end - footer_bytes..end)?;
    let mut plain = Vec::new();
    keys.pack_sealer(&header.salt)
        .open(FOOTER_NUMBER, &header_bytes, &sealed, &mut plain)
        .map_err(|_| damaged("its footer is not authentic"))?;
    if keys.name(&[&header_bytes, &plain]) != *id.as_bytes() {
        return Err(damaged("it is another pack than its name tells"));
    }
    let mut from = Decoder::new(&plain);
    let (blocks, chunks) = decode_blocks(&mut from, |from| from.array().map(ChunkId::from_bytes))
        .and_then(|parts| from.end().map(|()| parts))
        .map_err(|Malformed(reason)| damaged(reason))?;
    let blocks_end =
        blocks.last().map_or(HEADER_BYTES as u64, |b| u64::from(b.offset) + u64::from(b.stored_bytes));
    if blocks_end != end - footer_bytes {
        return Err(damaged("its blocks do not fill it"));
    }
    Ok(PackInfo { id, salt: header.salt, class: header.class, size, blocks, chunks })
}
