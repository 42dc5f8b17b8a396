//! The fixed parts of a pack.

use crate::config::FORMAT_VERSION;
use crate::id::ChunkPrefix;
use crate::wire::{Decoder, Malformed};

/// The length of the header.
pub(crate) const HEADER_BYTES: usize = 48;

/// The length of what follows the sealed footer.
pub(crate) const TRAILER_BYTES: usize = 12;

/// The nonce number of the footer; blocks count from zero.
pub(crate) const FOOTER_NUMBER: u64 = u64::MAX;

const MAGIC: &[u8; 8] = b"BKSTPACK";
const TRAILER_MAGIC: &[u8; 8] = b"BKSTTAIL";

/// What a pack holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum PackClass {
    /// Chunks of files.
    Data = 0,
    /// Pages of directories and of content lists.
    Tree = 1,
}

impl PackClass {
    pub(crate) fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Data),
            1 => Ok(Self::Tree),
            _ => Err(Malformed("it is of no known class of pack")),
        }
    }
}

/// The header of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) class: PackClass,
    pub(crate) salt: [u8; 32],
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&(FORMAT_VERSION as u16).to_le_bytes());
        bytes[10] = self.class as u8;
        bytes[16..].copy_from_slice(&self.salt);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Decoder::new(bytes);
        if &from.array::<8>()? != MAGIC {
            return Err(Malformed("it does not begin as a pack does"));
        }
        if u32::from(from.u16()?) != FORMAT_VERSION {
            return Err(Malformed("it is of another format than the repository"));
        }
        let class = PackClass::from_byte(from.u8()?)?;
        if from.array::<5>()? != [0; 5] {
            return Err(Malformed("reserved bytes of the header are not zero"));
        }
        Ok(Self { class, salt: from.array()? })
    }
}

/// The trailer: the length of the sealed footer, and a mark.
pub(crate) fn encode_trailer(footer_bytes: u32) -> [u8; TRAILER_BYTES] {
    let mut bytes = [0; TRAILER_BYTES];
    bytes[..4].copy_from_slice(&footer_bytes.to_le_bytes());
    bytes[4..].copy_from_slice(TRAILER_MAGIC);
    bytes
}

pub(crate) fn decode_trailer(bytes: &[u8]) -> Result<u32, Malformed> {
    let mut from = Decoder::new(bytes);
    let length = from.u32()?;
    if &from.array::<8>()? != TRAILER_MAGIC {
        return Err(Malformed("it does not end as a pack does"));
    }
    from.end()?;
    Ok(length)
}

/// The associated data of a block: its place in the pack, its encoding, and which chunks it consists of.
pub(crate) fn block_bound_to(
    out: &mut Vec<u8>,
    number: u32,
    offset: u32,
    encoding: u8,
    chunks: impl ExactSizeIterator<Item = (ChunkPrefix, u32)>,
) {
    out.clear();
    out.reserve(13 + 20 * chunks.len());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
    out.push(encoding);
    out.extend_from_slice(&(chunks.len() as u32).to_le_bytes());
    for (prefix, length) in chunks {
        out.extend_from_slice(&prefix);
        out.extend_from_slice(&length.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_and_a_trailer_read_back() {
        let header = Header { class: PackClass::Tree, salt: [9; 32] };
        assert_eq!(Header::decode(&header.encode()), Ok(header));
        assert_eq!(decode_trailer(&encode_trailer(77)), Ok(77));
    }

    #[test]
    fn every_byte_of_a_header_before_the_salt_matters() {
        let bytes = Header { class: PackClass::Data, salt: [9; 32] }.encode();
        for place in 0..16 {
            let mut altered = bytes;
            altered[place] ^= 0x40;
            assert!(Header::decode(&altered).is_err(), "byte {place}");
        }
        assert!(Header::decode(&bytes[..20]).is_err());
    }
}
