//! Remembers a request by the key that its sender chose, so that sending it again does not do its work again.

use backstay_catalog::IdempotencyRow;
use sha2::{Digest, Sha256};

use super::sealed_answer::{AnswerSealer, StoredAnswer};
use crate::error::Result;
use crate::service::Service;

/// For how long a request is remembered, in seconds.
const REMEMBER_S: i64 = 24 * 3600;

/// How long a request without an answer may still be under way, in seconds; longer than any endpoint takes.
const UNDER_WAY_S: f64 = 180.0;

/// A request that its sender may send again.
pub struct RepeatableRequest {
    scope: String,
    key: String,
    fingerprint: Vec<u8>,
    sealer: AnswerSealer,
}

/// What is known of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It came for the first time and is remembered from now on: carry it out, then
    /// [`Service::answer_request`] or [`Service::forget_request`].
    New,
    /// It was answered before.
    Answered(StoredAnswer),
    /// It is being carried out.
    UnderWay,
    /// It was begun and never answered, so nobody knows whether it was carried out.
    Unknown,
    /// The key was used for another request.
    Another,
}

impl RepeatableRequest {
    /// The request that `content` describes, with the key of its sender, who holds `credential`. Keys of different senders do not
    /// meet, and the catalog keeps neither the key nor the credential.
    pub fn new(credential: &str, key: &str, content: &[&[u8]]) -> Self {
        let digest = |what: &str, parts: &[&[u8]]| {
            let mut hasher = Sha256::new().chain_update(what.as_bytes());
            for part in parts {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
            hasher.finalize()
        };
        let hex = |digest: &[u8]| blake3::Hash::from_slice(digest).map(|hash| hash.to_hex().to_string());
        let text = |digest: &[u8]| hex(digest).unwrap_or_default();
        Self {
            scope: text(&digest("backstay request scope\n", &[credential.as_bytes()])),
            key: text(&digest("backstay request key\n", &[credential.as_bytes(), key.as_bytes()])),
            fingerprint: digest("backstay request\n", content).to_vec(),
            sealer: AnswerSealer::new(credential, key),
        }
    }
}

impl Service {
    /// Looks whether the request came before, and remembers it for 24 hours when it did not.
    ///
    /// Of two requests with one key that come at once, one is [`Remembered::New`].
    pub async fn remember_request(&self, request: &RepeatableRequest) -> Result<Remembered> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let earlier = tx
            .reserve_idempotency_key(
                &request.scope,
                &request.key,
                &request.fingerprint,
                now,
                now.plus_seconds(REMEMBER_S),
            )
            .await?;
        tx.commit().await?;
        Ok(match earlier {
            None => Remembered::New,
            Some(row) if row.fingerprint != request.fingerprint => Remembered::Another,
            Some(IdempotencyRow { answer: Some(answer), .. }) => {
                match request.sealer.open(&answer, &request.fingerprint) {
                    Some(answer) => Remembered::Answered(answer),
                    None => Remembered::Unknown,
                }
            }
            Some(row) if now.seconds_since(row.created_at) < UNDER_WAY_S => Remembered::UnderWay,
            Some(_) => Remembered::Unknown,
        })
    }

    /// Keeps the answer to a request that was carried out.
    pub async fn answer_request(&self, request: &RepeatableRequest, answer: &StoredAnswer) -> Result<()> {
        let sealed = request.sealer.seal(answer, &request.fingerprint, &**self.rng());
        let mut tx = self.begin().await?;
        tx.answer_idempotency_key(&request.scope, &request.key, answer.status.into(), &sealed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a request that was refused and changed nothing, so that it can be sent again with the same key.
    pub async fn forget_request(&self, request: &RepeatableRequest) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.release_idempotency_key(&request.scope, &request.key).await?;
        tx.commit().await?;
        Ok(())
    }
}
