//! How a block is encoded: one byte.

use crate::wire::Malformed;

/// How the bytes of a block were encoded before sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    /// As they are.
    Stored,
    /// One zstd frame.
    Zstd,
    /// Split into the planes of elements of this many bytes: 2, 4 or 8.
    Planes(u8),
}

impl Encoding {
    pub(crate) const fn to_byte(self) -> u8 {
        match self {
            Self::Stored => 0,
            Self::Zstd => 1,
            Self::Planes(width) => 0x10 | width,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Stored),
            1 => Ok(Self::Zstd),
            0x12 | 0x14 | 0x18 => Ok(Self::Planes(byte & 15)),
            _ => Err(Malformed("a block has an unknown encoding")),
        }
    }
}
