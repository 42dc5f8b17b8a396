//! AES-256-GCM under keys that are used for one object only, so that a counter is a safe nonce.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// The length of the tag that follows every ciphertext.
pub(crate) const TAG_BYTES: usize = 16;

/// Seals and opens the parts of one object. The key must belong to that object alone.
pub(crate) struct Sealer(LessSafeKey);

/// The ciphertext or its associated data are not what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

impl Sealer {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256-GCM takes keys of 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Encrypts `data` in place and returns the tag. Each `number` must be used once per key.
    pub(crate) fn seal(&self, number: u64, associated: &[u8], data: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(number), Aad::from(associated), data)
            .expect("an object is far below the limit of AES-GCM");
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.as_ref());
        bytes
    }

    /// Decrypts `sealed` (ciphertext and tag) into `plain`, which it replaces.
    pub(crate) fn open(
        &self,
        number: u64,
        associated: &[u8],
        sealed: &[u8],
        plain: &mut Vec<u8>,
    ) -> Result<(), NotAuthentic> {
        let length = sealed.len().checked_sub(TAG_BYTES).ok_or(NotAuthentic)?;
        let (ciphertext, tag) = sealed.split_at(length);
        plain.resize(length, 0);
        self.0
            .open_separate_gather(nonce(number), Aad::from(associated), ciphertext, tag, plain)
            .map_err(|_| NotAuthentic)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_nothing_else_does() {
        let sealer = Sealer::new(&[7; 32]);
        let mut sealed = b"content".to_vec();
        let tag = sealer.seal(3, b"place", &mut sealed);
        sealed.extend_from_slice(&tag);
        let mut plain = Vec::new();
        sealer.open(3, b"place", &sealed, &mut plain).unwrap();
        assert_eq!(plain, b"content");
        assert_eq!(sealer.open(4, b"place", &sealed, &mut plain), Err(NotAuthentic));
        assert_eq!(sealer.open(3, b"other", &sealed, &mut plain), Err(NotAuthentic));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sealer.open(3, b"place", &flipped, &mut plain), Err(NotAuthentic));
        }
        assert_eq!(sealer.open(3, b"place", &sealed[..10], &mut plain), Err(NotAuthentic));
    }
}
