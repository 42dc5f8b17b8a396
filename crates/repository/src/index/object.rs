//! Index objects: what a number of packs consist of.

use crate::id::{ChunkPrefix, PackId};
use crate::limits::MAX_PACK_BYTES;
use crate::pack::{PackClass, PackInfo, decode_blocks, encode_blocks};
use crate::wire::{Decoder, Malformed, put_varint};

/// A pack as the index describes it: of each id the first half.
pub(crate) type IndexedPack = PackInfo<ChunkPrefix>;

/// The plain form of an index object: a count, then for each pack its id, salt, class, size and blocks.
pub(crate) fn encode_index<'a>(packs: impl ExactSizeIterator<Item = &'a IndexedPack>) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, packs.len() as u64);
    for pack in packs {
        out.extend_from_slice(pack.id.as_bytes());
        out.extend_from_slice(&pack.salt);
        out.push(pack.class as u8);
        put_varint(&mut out, pack.size);
        encode_blocks(&mut out, &pack.blocks, &pack.chunks, |out, id| out.extend_from_slice(id));
    }
    out
}

/// Reads an index object and hands over its packs one by one.
pub(crate) fn decode_index<E: From<Malformed>>(
    plain: &[u8],
    mut visit: impl FnMut(IndexedPack) -> Result<(), E>,
) -> Result<(), E> {
    let mut from = Decoder::new(plain);
    let count = from.varint()?;
    for _ in 0..count {
        let id = PackId::from_bytes(from.array()?);
        let salt = from.array()?;
        let class = PackClass::from_byte(from.u8()?)?;
        let size = from.bounded(MAX_PACK_BYTES, "a pack is too large")?;
        let (blocks, chunks) = decode_blocks(&mut from, super::super::wire::Decoder::array)?;
        visit(IndexedPack { id, salt, class, size, blocks, chunks })?;
    }
    from.end()?;
    Ok(())
}
