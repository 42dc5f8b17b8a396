//! The content of a file: which chunks and holes it consists of.

use crate::id::ChunkId;
use crate::limits::{MAX_CHUNK_BYTES, MAX_LEVELS};
use crate::wire::{Decoder, Malformed, put_varint};

/// The most extents that stand in the directory entry itself; a longer list goes to pages of its own.
pub(crate) const INLINE_EXTENTS: usize = 8;

/// What the caller knows of the content to be stored. It decides chunking and encoding, never correctness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ContentHint {
    /// Nothing: the content is looked at.
    #[default]
    Auto,
    /// A stream of bytes: content-defined chunks.
    Stream,
    /// A disk image: fixed blocks of 64 KiB, blocks of zeros become holes.
    Image,
    /// Numeric arrays: content-defined chunks aligned to 8 bytes, stored by byte planes where that pays.
    Array,
    /// Compressed already: content-defined chunks, no attempt to compress.
    Incompressible,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Bytes in a chunk.
    Data {
        /// The chunk.
        id: ChunkId,
        /// Its length in bytes, at least 1.
        length: u32,
    },
    /// Zeros that occupy no space.
    Hole {
        /// The length in bytes, at least 1.
        length: u64,
    },
}

impl Extent {
    /// The length in bytes.
    pub const fn length(&self) -> u64 {
        match self {
            Self::Data { length, .. } => *length as u64,
            Self::Hole { length } => *length,
        }
    }
}

/// The content of a file, as a directory entry holds it: cheap to copy and compare, whatever the size of the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Content {
    length: u64,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Body {
    /// The extents themselves, in order.
    Inline(Vec<Extent>),
    /// The root page of a list of extents; `levels` counts the levels of pages, at least 1.
    Paged { root: ChunkId, levels: u8 },
}

impl Default for Body {
    fn default() -> Self {
        Self::Inline(Vec::new())
    }
}

impl Content {
    /// Content without a byte.
    pub const fn empty() -> Self {
        Self { length: 0, body: Body::Inline(Vec::new()) }
    }

    /// Content of one chunk.
    pub fn of_chunk(id: ChunkId, length: u32) -> Self {
        Self { length: u64::from(length), body: Body::Inline(vec![Extent::Data { id, length }]) }
    }

    /// The content of a list of at most [`INLINE_EXTENTS`] extents.
    pub(crate) fn inline(extents: Vec<Extent>) -> Self {
        Self { length: extents.iter().map(Extent::length).sum(), body: Body::Inline(extents) }
    }

    /// The content that a list of pages describes.
    pub(crate) fn paged(length: u64, root: ChunkId, levels: u8) -> Self {
        Self { length, body: Body::Paged { root, levels } }
    }

    /// The length in bytes, holes included.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether there is not a byte.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The extents, when they are few enough to stand here; otherwise a [`crate::Reader`] lists them.
    pub fn inline_extents(&self) -> Option<&[Extent]> {
        match &self.body {
            Body::Inline(extents) => Some(extents),
            Body::Paged { .. } => None,
        }
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match &self.body {
            Body::Inline(extents) => {
                out.push(extents.len() as u8);
                for extent in extents {
                    encode_extent(out, extent);
                }
            }
            Body::Paged { root, levels } => {
                out.push(0x80 | levels);
                put_varint(out, self.length);
                out.extend_from_slice(root.as_bytes());
            }
        }
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<Self, Malformed> {
        let first = from.u8()?;
        if first & 0x80 != 0 {
            let levels = first & 0x7f;
            if levels == 0 || levels > MAX_LEVELS {
                return Err(Malformed("a content list has an impossible depth"));
            }
            let length = from.varint()?;
            return Ok(Self {
                length,
                body: Body::Paged { root: ChunkId::from_bytes(from.array()?), levels },
            });
        }
        if usize::from(first) > INLINE_EXTENTS {
            return Err(Malformed("an entry has too many extents"));
        }
        let mut extents = Vec::with_capacity(usize::from(first));
        let mut length = 0_u64;
        for _ in 0..first {
            let extent = decode_extent(from)?;
            length = length.checked_add(extent.length()).ok_or(Malformed("a file is too long"))?;
            extents.push(extent);
        }
        Ok(Self { length, body: Body::Inline(extents) })
    }
}

/// Appends an extent: a varint of twice the length, odd for a hole; then the id unless it is a hole.
pub(crate) fn encode_extent(out: &mut Vec<u8>, extent: &Extent) {
    match extent {
        Extent::Data { id, length } => {
            put_varint(out, u64::from(*length) << 1);
            out.extend_from_slice(id.as_bytes());
        }
        Extent::Hole { length } => put_varint(out, length << 1 | 1),
    }
}

pub(crate) fn decode_extent(from: &mut Decoder<'_>) -> Result<Extent, Malformed> {
    let head = from.varint()?;
    let length = head >> 1;
    if length == 0 {
        return Err(Malformed("an extent is empty"));
    }
    if head & 1 == 1 {
        return Ok(Extent::Hole { length });
    }
    if length > MAX_CHUNK_BYTES as u64 {
        return Err(Malformed("a chunk is longer than chunks can be"));
    }
    Ok(Extent::Data { id: ChunkId::from_bytes(from.array()?), length: length as u32 })
}
