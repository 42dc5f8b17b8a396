//! Writes a pack, block by block, while it grows.

use std::sync::Arc;

use backstay_store::{ObjectWriter, Store};

use crate::block::Encoding;
use crate::crypto::{Sealer, Subkeys, TAG_BYTES};
use crate::error::Result;
use crate::id::{ChunkId, PackId};
use crate::pack::footer::{BlockInfo, ChunkInfo, PackInfo, encode_blocks};
use crate::pack::format::{
    FOOTER_NUMBER, HEADER_BYTES, Header, PackClass, TRAILER_BYTES, block_bound_to, encode_trailer,
};

/// A pack that reached this length is closed.
pub(crate) const PACK_TARGET_BYTES: u64 = 16 << 20;

/// A pack being written.
pub(crate) struct PackWriter {
    keys: Arc<Subkeys>,
    sealer: Sealer,
    object: Box<dyn ObjectWriter>,
    header: Header,
    size: u64,
    blocks: Vec<BlockInfo>,
    chunks: Vec<ChunkInfo<ChunkId>>,
    bound: Vec<u8>,
}

impl PackWriter {
    pub(crate) fn create(
        store: &dyn Store,
        keys: &Arc<Subkeys>,
        class: PackClass,
        salt: [u8; 32],
    ) -> Result<Self> {
        let header = Header { class, salt };
        let mut object = store.create()?;
        object.write(&header.encode())?;
        Ok(Self {
            keys: Arc::clone(keys),
            sealer: keys.pack_sealer(&salt),
            object,
            header,
            size: HEADER_BYTES as u64,
            blocks: Vec::new(),
            chunks: Vec::new(),
            bound: Vec::new(),
        })
    }

    /// The length so far, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Seals `encoded` in place, appends the tag to it, and writes it as the next block.
    pub(crate) fn append(
        &mut self,
        encoded: &mut Vec<u8>,
        encoding: Encoding,
        chunks: &[ChunkInfo<ChunkId>],
    ) -> Result<()> {
        let number = self.blocks.len() as u32;
        let offset = self.size as u32;
        let bound_chunks = chunks.iter().map(|chunk| (chunk.id.prefix(), chunk.length));
        block_bound_to(&mut self.bound, number, offset, encoding.to_byte(), bound_chunks);
        let tag = self.sealer.seal(u64::from(number), &self.bound, encoded);
        encoded.extend_from_slice(&tag);
        self.object.write(encoded)?;
        self.size += encoded.len() as u64;
        self.blocks.push(BlockInfo {
            offset,
            stored_bytes: encoded.len() as u32,
            raw_bytes: chunks.iter().map(|chunk| chunk.length).sum(),
            encoding,
            chunk_count: chunks.len() as u32,
        });
        self.chunks.extend_from_slice(chunks);
        Ok(())
    }

    /// Writes the footer and makes the pack durable under its name.
    pub(crate) fn finish(mut self) -> Result<PackInfo<ChunkId>> {
        let mut footer = Vec::with_capacity(40 * self.chunks.len() + 32 * self.blocks.len() + 64);
        encode_blocks(&mut footer, &self.blocks, &self.chunks, |out, id| {
            out.extend_from_slice(id.as_bytes());
        });
        let header = self.header.encode();
        let id = PackId::from_bytes(self.keys.name(&[&header, &footer]));
        let tag = self.sealer.seal(FOOTER_NUMBER, &header, &mut footer);
        footer.extend_from_slice(&tag);
        footer.extend_from_slice(&encode_trailer(footer.len() as u32));
        debug_assert!(footer.len() >= TAG_BYTES + TRAILER_BYTES);
        self.object.write(&footer)?;
        self.size += footer.len() as u64;
        self.object.finish(&id.object_name())?;
        Ok(PackInfo {
            id,
            salt: self.header.salt,
            class: self.header.class,
            size: self.size,
            blocks: self.blocks,
            chunks: self.chunks,
        })
    }
}
