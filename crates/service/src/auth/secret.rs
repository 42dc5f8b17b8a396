//! Secrets that are shown once: their making, and the hash under which the catalog knows them.

use backstay_model::Rng;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

/// A new secret: `prefix`, `_`, and 32 random bytes in base 32, so that it survives any double click.
///
/// The prefix lets scanners of source code find one that was published by mistake.
pub(crate) fn new_secret(prefix: &str, rng: &dyn Rng) -> String {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    format!("{prefix}_{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

/// What the catalog keeps of a secret. A plain hash is enough, since a secret has 256 random bits.
pub(crate) fn hash_secret(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// What must accompany unsafe requests of a session: derived from its secret, so that it needs no place of its own.
pub(crate) fn csrf_token(secret: &str) -> String {
    let digest =
        Sha256::new().chain_update(b"backstay csrf token\n").chain_update(secret.as_bytes()).finalize();
    HEXLOWER.encode(&digest[..20])
}

#[cfg(test)]
mod tests {
    use backstay_model::SeededRng;

    use super::*;

    #[test]
    fn secrets_differ_and_carry_all_their_bits() {
        let rng = SeededRng::new(1);
        let (one, two) = (new_secret("bst", &rng), new_secret("bst", &rng));
        assert_ne!(one, two);
        assert_eq!(one.len(), "bst_".len() + 52);
        assert!(one[4..].bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)));
    }

    #[test]
    fn the_csrf_token_reveals_neither_the_secret_nor_its_hash() {
        let token = csrf_token("bss_x");
        assert_eq!(token.len(), 40);
        assert!(!HEXLOWER.encode(&hash_secret("bss_x")).contains(&token));
    }
}
