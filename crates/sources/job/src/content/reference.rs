//! What the row of a content holds when the content lies in the repository.

use super::ContentError;
use super::codec::{Chain, ELSEWHERE, MAX_BASED_BYTES, pack, parts};
use super::seal::JobKey;

/// A longer content lies in the repository: beyond this length nothing is encoded against an older content, so that
/// each step would be stored whole.
pub const LARGE_BYTES: usize = MAX_BASED_BYTES;

/// Where in the repository a content lies, how long it is, and its keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    manifest: [u8; 32],
    length: usize,
    hash: [u8; 16],
}

impl Reference {
    /// The reference to `raw`, which lies under the root manifest with this id.
    pub fn new(key: &JobKey, raw: &[u8], manifest: [u8; 32]) -> Self {
        Self { manifest, length: raw.len(), hash: key.hash(raw) }
    }

    /// The bytes to seal.
    pub fn encode(&self) -> Vec<u8> {
        pack(ELSEWHERE, self.length, Chain::default(), self.hash, &self.manifest)
    }

    /// Reads what a row holds; `None` when that is the content itself.
    pub fn decode(encoded: &[u8]) -> Result<Option<Self>, ContentError> {
        let parts = parts(encoded)?;
        if parts.form != ELSEWHERE {
            return Ok(None);
        }
        let damaged = |_| ContentError::Damaged;
        let manifest = parts.payload.try_into().map_err(damaged)?;
        let hash = parts.hash.try_into().map_err(damaged)?;
        Ok(Some(Self { manifest, length: parts.length, hash }))
    }

    /// The id of the root manifest.
    pub const fn manifest(&self) -> &[u8; 32] {
        &self.manifest
    }

    /// The length of the content in bytes.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Whether `raw` is the content; `key` is that under which the reference was sealed.
    pub fn check(&self, key: &JobKey, raw: &[u8]) -> Result<(), ContentError> {
        if raw.len() == self.length && key.hash(raw) == self.hash {
            Ok(())
        } else {
            Err(ContentError::Damaged)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::content::{DataKey, decode, encode};

    fn key(job: &str) -> JobKey {
        DataKey::new(1, Zeroizing::new([9; 32])).job("t", "p", job)
    }

    #[test]
    fn a_reference_reads_back_and_tells_its_content_from_any_other() {
        let raw = b"a content".as_slice();
        let reference = Reference::new(&key("j"), raw, [7; 32]);
        let encoded = reference.encode();
        assert_eq!(Reference::decode(&encoded).unwrap(), Some(reference));
        assert_eq!((reference.manifest(), reference.length()), (&[7; 32], 9));
        assert_eq!(reference.check(&key("j"), raw), Ok(()));
        assert_eq!(reference.check(&key("j"), b"a cOntent"), Err(ContentError::Damaged));
        assert_eq!(reference.check(&key("j"), b"a conten"), Err(ContentError::Damaged));
        assert_eq!(reference.check(&key("k"), raw), Err(ContentError::Damaged), "of another job");
        assert_eq!(decode(&key("j"), &encoded, None), Err(ContentError::Damaged), "it is not the content");
        assert_eq!(Reference::decode(&encoded[..encoded.len() - 1]), Err(ContentError::Damaged));
    }

    #[test]
    fn what_lies_in_the_row_is_no_reference() {
        assert_eq!(Reference::decode(&encode(&key("j"), b"{}", None).bytes), Ok(None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_reference_or_not(mut bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(first) = bytes.first_mut() { *first = ELSEWHERE; }
            if let Ok(Some(reference)) = Reference::decode(&bytes) {
                prop_assert_eq!(Reference::decode(&reference.encode()), Ok(Some(reference)));
            }
        }
    }
}
