//! How content lies in the catalog: encoded against an older content where that saves space, hashed, and sealed.
//!
//! # What holds
//! - Every content carries a keyed hash of its bytes, which each read checks.
//! - Sealed bytes open only under the key of their tenant, project and job, and only in the row they were sealed for:
//!   a moved row, an exchanged one and one in plain text do not open.
//! - Chains of contents that are encoded against each other have an end: at most [`MAX_DEPTH`] steps, and at most
//!   twice the bytes of the content at their start.
//!
//! # Sealed bytes
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 2 | the number of the data key, little-endian |
//! | 12 | nonce |
//! | … | AES-256-GCM of the encoding |
//! | 16 | tag |
//!
//! Associated data: `backstay v1 job content`, one byte for the table, the number of the row (8 bytes, little-endian).
//!
//! # Encoding
//! One byte for the form (0 stored, 1 zstd, 2 zstd against a base, 3 in the repository), then as LEB128: the length, the
//! depth of the chain, the bytes of its deltas, the bytes of its start; 16 bytes of the keyed BLAKE3 hash of the content;
//! the rest is the payload. That of a content in the repository, see [`Reference`], is the id of a root manifest.

mod codec;
mod reference;
mod seal;

pub use codec::{Chain, Encoded, MAX_DEPTH, decode, encode, peek};
pub use reference::{LARGE_BYTES, Reference};
pub use seal::{DataKey, JobKey, Place, key_number};

/// Content that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The sealed bytes were altered, belong to another row or job, or were never sealed.
    #[error("the content does not open under the key of its job and the number of its row")]
    NotAuthentic,
    /// What was sealed is not an encoding, or does not have the hash that it should have.
    #[error("the content is not what was stored")]
    Damaged,
}
