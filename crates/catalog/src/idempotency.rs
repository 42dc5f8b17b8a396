//! Idempotency keys of requests: the second request with a key gets the answer of the first.

use backstay_model::Timestamp;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A remembered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// What identifies the request's content.
    pub fingerprint: Vec<u8>,
    /// The status of the answer; `None` while the first request is being worked on.
    pub status: Option<u32>,
    /// The answer.
    pub answer: Option<String>,
    /// When the first request came.
    pub created_at: Timestamp,
    /// Until when it is remembered.
    pub expires_at: Timestamp,
}

const COLUMNS: &str = "fingerprint, status, answer, created_at, expires_at";

impl Record for IdempotencyRow {
    const TABLE: &'static str = "idempotency_keys";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            fingerprint: fields.bytes()?,
            status: fields.optional_int()?.map(|status| status as u32),
            answer: fields.optional_text()?,
            created_at: fields.time()?,
            expires_at: fields.time()?,
        })
    }
}

impl Session {
    /// The request with `key` in `scope` that was answered and is remembered.
    pub async fn remembered_answer(
        &mut self,
        scope: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<IdempotencyRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM idempotency_keys
             WHERE scope = $1 AND key = $2 AND expires_at > $3 AND answer IS NOT NULL"
        );
        self.one(sql("read a request", text).bind(scope).bind(key).bind(now)).await
    }
}

impl Tx {
    /// Remembers a request with its answer, in the transaction of the work itself.
    pub async fn remember_answer(
        &mut self,
        scope: &str,
        key: &str,
        fingerprint: &[u8],
        answer: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let text =
            "INSERT INTO idempotency_keys (scope, key, fingerprint, status, answer, created_at, expires_at)
                    VALUES ($1, $2, $3, 200, $4, $5, $6)
                    ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint,
                        status = excluded.status, answer = excluded.answer, created_at = excluded.created_at,
                        expires_at = excluded.expires_at";
        let statement = sql("remember an answer", text)
            .bind(scope)
            .bind(key)
            .bind(fingerprint)
            .bind(answer)
            .bind(now)
            .bind(expires_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Reserves `key` in `scope` (for example tenant, actor and path) until `expires_at`.
    ///
    /// `None`: it is reserved now, and the request may go on. `Some`: an earlier request has it.
    pub async fn reserve_idempotency_key(
        &mut self,
        scope: &str,
        key: &str,
        fingerprint: &[u8],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Option<IdempotencyRow>> {
        let expired = "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND expires_at <= $3";
        self.execute(sql("forget a request", expired).bind(scope).bind(key).bind(now)).await?;
        let text = "INSERT INTO idempotency_keys (scope, key, fingerprint, created_at, expires_at)
                    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope, key) DO NOTHING";
        let statement = sql("remember a request", text)
            .bind(scope)
            .bind(key)
            .bind(fingerprint)
            .bind(now)
            .bind(expires_at);
        if self.execute(statement).await? == 1 {
            return Ok(None);
        }
        let text = format!("SELECT {COLUMNS} FROM idempotency_keys WHERE scope = $1 AND key = $2");
        self.one(sql("read a request", text).bind(scope).bind(key)).await
    }

    /// Stores the answer to the request that reserved `key`.
    pub async fn answer_idempotency_key(
        &mut self,
        scope: &str,
        key: &str,
        status: u32,
        answer: &str,
    ) -> Result<()> {
        let text = "UPDATE idempotency_keys SET status = $3, answer = $4 WHERE scope = $1 AND key = $2";
        let statement = sql("remember an answer", text).bind(scope).bind(key).bind(status).bind(answer);
        self.execute(statement).await.map(|_| ())
    }

    /// Frees a key whose request failed, so that it can be tried again.
    pub async fn release_idempotency_key(&mut self, scope: &str, key: &str) -> Result<()> {
        let text = "DELETE FROM idempotency_keys WHERE scope = $1 AND key = $2 AND status IS NULL";
        self.execute(sql("forget a request", text).bind(scope).bind(key)).await.map(|_| ())
    }
}
