//! The master key of a repository and what is derived from it.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::aead::Sealer;
use crate::id::ChunkId;

/// The random secret of a repository. Every credential wraps a copy of it.
pub(crate) struct MasterKey(pub(crate) Zeroizing<[u8; 32]>);

/// The keys for the several purposes, each derived from the master key under a context of its own.
pub(crate) struct Subkeys {
    chunk_id: Zeroizing<[u8; 32]>,
    pack: Zeroizing<[u8; 32]>,
    object: Zeroizing<[u8; 32]>,
    name: Zeroizing<[u8; 32]>,
    boundary: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl fmt::Debug for Subkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subkeys(..)")
    }
}

impl Subkeys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        let derive = |context| Zeroizing::new(blake3::derive_key(context, &*master.0));
        Self {
            chunk_id: derive("backstay v1 chunk id"),
            pack: derive("backstay v1 pack"),
            object: derive("backstay v1 object"),
            name: derive("backstay v1 object name"),
            boundary: derive("backstay v1 chunk boundary"),
        }
    }

    /// The id of a chunk with these bytes.
    pub(crate) fn chunk_id(&self, data: &[u8]) -> ChunkId {
        ChunkId::from_bytes(*blake3::keyed_hash(&self.chunk_id, data).as_bytes())
    }

    /// Seals and opens the pack with this salt.
    pub(crate) fn pack_sealer(&self, salt: &[u8; 32]) -> Sealer {
        Sealer::new(&Zeroizing::new(*blake3::keyed_hash(&self.pack, salt).as_bytes()))
    }

    /// Seals and opens the object with this salt.
    pub(crate) fn object_sealer(&self, salt: &[u8; 32]) -> Sealer {
        Sealer::new(&Zeroizing::new(*blake3::keyed_hash(&self.object, salt).as_bytes()))
    }

    /// The name of an object that consists of, or is committed to by, `parts`.
    pub(crate) fn name(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.name);
        for part in parts {
            hasher.update(part);
        }
        *hasher.finalize().as_bytes()
    }

    /// The secret table that decides where chunks end.
    pub(crate) fn boundary_table(&self) -> Box<[u64; 256]> {
        let mut bytes = [0; 2048];
        blake3::Hasher::new_keyed(&self.boundary).finalize_xof().fill(&mut bytes);
        let mut table = Box::new([0; 256]);
        for (word, part) in table.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(part.try_into().expect("parts have 8 bytes"));
        }
        table
    }
}
