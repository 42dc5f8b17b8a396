//! One-time login links. Only the hash of a link's secret is stored.

use backstay_model::{Timestamp, UserId};

use crate::error::Result;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A login link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginLinkRow {
    /// Whom it lets in.
    pub user: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Record for LoginLinkRow {
    const TABLE: &'static str = "login_links";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { user: fields.parsed()?, created_at: fields.time()?, expires_at: fields.time()? })
    }
}

impl Tx {
    /// Adds a link.
    pub async fn insert_login_link(&mut self, row: &LoginLinkRow, secret_hash: &[u8]) -> Result<()> {
        let text =
            "INSERT INTO login_links (secret_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
        let statement = sql("add a login link", text)
            .bind(secret_hash)
            .bind(&row.user)
            .bind(row.created_at)
            .bind(row.expires_at);
        self.execute(statement).await.map(|_| ())
    }

    /// Uses a link up; `None` when there is none, it has ended, or it was used before.
    pub async fn use_login_link(
        &mut self,
        secret_hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<LoginLinkRow>> {
        let text = "UPDATE login_links SET used_at = $2
                    WHERE secret_hash = $1 AND used_at IS NULL AND expires_at > $2
                    RETURNING user_id, created_at, expires_at";
        self.one(sql("use a login link", text).bind(secret_hash).bind(now)).await
    }
}
