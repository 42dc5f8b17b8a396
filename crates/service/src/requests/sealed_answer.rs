//! The answer to a request as the catalog keeps it: sealed, because it may hold a secret that is shown once.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use backstay_model::Rng;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The media type of the body.
    pub content_type: Option<String>,
    /// Where what was created is found.
    pub location: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Seals answers with a key that only the sender of the request can make again.
pub(super) struct AnswerSealer(LessSafeKey);

impl AnswerSealer {
    /// The sealer of the request `key` by the holder of `credential`, whose 256 random bits nobody guesses.
    pub(super) fn new(credential: &str, key: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("backstay 2026-11 answers to repeated requests");
        hasher.update(&(credential.len() as u64).to_le_bytes());
        hasher.update(credential.as_bytes()).update(key.as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, hasher.finalize().as_bytes())
            .expect("AES-256 takes a key of 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// The answer as text for the catalog.
    pub(super) fn seal(&self, answer: &StoredAnswer, fingerprint: &[u8], rng: &dyn Rng) -> String {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = serde_json::to_vec(answer).expect("numbers and texts can be written as JSON");
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(fingerprint),
                &mut sealed,
            )
            .expect("an answer is far below the limit of the cipher");
        STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// The answer; `None` when the text is damaged.
    pub(super) fn open(&self, text: &str, fingerprint: &[u8]) -> Option<StoredAnswer> {
        let sealed = STANDARD_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let opened =
            self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(fingerprint), &mut sealed);
        serde_json::from_slice(opened.ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use backstay_model::SeededRng;

    use super::*;

    #[test]
    fn only_the_sender_reads_the_answer() {
        let answer = StoredAnswer {
            status: 201,
            content_type: Some("application/json".into()),
            location: None,
            body: b"{\"secret\":\"bst_x\"}".to_vec(),
        };
        let rng = SeededRng::new(1);
        let sealer = AnswerSealer::new("bst_credential", "key");
        let text = sealer.seal(&answer, b"request", &rng);
        assert_ne!(text, sealer.seal(&answer, b"request", &rng), "the nonce is new each time");
        assert_eq!(sealer.open(&text, b"request"), Some(answer));
        assert_eq!(sealer.open(&text, b"another request"), None);
        assert_eq!(AnswerSealer::new("bst_other", "key").open(&text, b"request"), None);
        assert_eq!(AnswerSealer::new("bst_credentialk", "ey").open(&text, b"request"), None);
        assert_eq!(sealer.open("", b"request"), None);
        assert_eq!(sealer.open("AAAA", b"request"), None);
    }
}
