//! Sessions of logged-in users. Only the hash of a session's secret is stored.

use backstay_model::{Timestamp, UserId};

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id, which is no secret.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, roughly.
    pub last_seen_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// From where it began.
    pub remote: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
}

const COLUMNS: &str = "id, user_id, created_at, last_seen_at, expires_at, remote, user_agent";

impl Record for SessionRow {
    const TABLE: &'static str = "sessions";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.text()?,
            user: fields.parsed()?,
            created_at: fields.time()?,
            last_seen_at: fields.time()?,
            expires_at: fields.time()?,
            remote: fields.optional_text()?,
            user_agent: fields.optional_text()?,
        })
    }
}

impl Session {
    /// The session with the secret of this hash, if it has not ended.
    pub async fn login_session(&mut self, secret_hash: &[u8], now: Timestamp) -> Result<Option<SessionRow>> {
        let text = format!("SELECT {COLUMNS} FROM sessions WHERE secret_hash = $1 AND expires_at > $2");
        self.one(sql("read a session", text).bind(secret_hash).bind(now)).await
    }

    /// The sessions of a user, newest first.
    pub async fn login_sessions_of(&mut self, user: &UserId) -> Result<Vec<SessionRow>> {
        let text = format!("SELECT {COLUMNS} FROM sessions WHERE user_id = $1 ORDER BY created_at DESC");
        self.all(sql("list sessions", text).bind(user)).await
    }
}

impl Tx {
    /// Begins a session.
    pub async fn insert_login_session(&mut self, row: &SessionRow, secret_hash: &[u8]) -> Result<()> {
        let text =
            format!("INSERT INTO sessions ({COLUMNS}, secret_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
        let statement = sql("begin a session", text)
            .bind(&row.id)
            .bind(&row.user)
            .bind(row.created_at)
            .bind(row.last_seen_at)
            .bind(row.expires_at)
            .bind(&row.remote)
            .bind(&row.user_agent)
            .bind(secret_hash);
        self.execute(statement).await.map(|_| ())
    }

    /// Notes that a session was used, and when it ends from now on.
    pub async fn touch_login_session(
        &mut self,
        id: &str,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        let text = "UPDATE sessions SET last_seen_at = $2, expires_at = $3 WHERE id = $1";
        self.execute(sql("note a session", text).bind(id).bind(now).bind(expires_at)).await.map(|_| ())
    }

    /// Ends a session; returns whether there was one.
    pub async fn delete_login_session(&mut self, id: &str) -> Result<bool> {
        let text = "DELETE FROM sessions WHERE id = $1";
        Ok(self.execute(sql("end a session", text).bind(id)).await? > 0)
    }

    /// Ends all sessions of a user; returns how many.
    pub async fn delete_login_sessions_of(&mut self, user: &UserId) -> Result<u64> {
        let text = "DELETE FROM sessions WHERE user_id = $1";
        self.execute(sql("end sessions", text).bind(user)).await
    }

    /// Forgets what has expired: sessions, login links, idempotency keys, plans. Returns how many rows.
    pub async fn forget_expired(&mut self, now: Timestamp) -> Result<u64> {
        let mut forgotten = 0;
        for text in [
            "DELETE FROM sessions WHERE expires_at <= $1",
            "DELETE FROM login_links WHERE expires_at <= $1",
            "DELETE FROM idempotency_keys WHERE expires_at <= $1",
            "DELETE FROM plans WHERE expires_at <= $1",
            "DELETE FROM job_plans WHERE expires_at <= $1",
        ] {
            forgotten += self.execute(sql("forget what expired", text).bind(now)).await?;
        }
        Ok(forgotten)
    }
}
