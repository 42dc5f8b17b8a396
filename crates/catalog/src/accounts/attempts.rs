//! Failed logins, counted per user name and per address against guessing.

use backstay_model::Timestamp;

use crate::error::Result;
use crate::session::Session;
use crate::sql::sql;
use crate::transaction::Tx;

impl Session {
    /// How many attempts there were for `subject` (a name or an address) at or after `since`.
    pub async fn login_attempts(&mut self, subject: &str, since: Timestamp) -> Result<u64> {
        let text = "SELECT count(*) FROM login_attempts WHERE subject = $1 AND at >= $2";
        let count = self.number(sql("count logins", text).bind(subject).bind(since)).await?;
        Ok(count.unwrap_or(0) as u64)
    }

    /// When the oldest attempt for `subject` at or after `since` was, from which a caller can tell when to try again.
    pub async fn oldest_login_attempt(
        &mut self,
        subject: &str,
        since: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let text = "SELECT min(at) FROM login_attempts WHERE subject = $1 AND at >= $2";
        let at = self.number(sql("read logins", text).bind(subject).bind(since)).await?;
        Ok(at.map(Timestamp::from_micros))
    }
}

impl Tx {
    /// Counts a failed attempt.
    pub async fn note_login_attempt(&mut self, subject: &str, at: Timestamp) -> Result<()> {
        let text = "INSERT INTO login_attempts (subject, at) VALUES ($1, $2)";
        self.execute(sql("note a login", text).bind(subject).bind(at)).await.map(|_| ())
    }

    /// Forgets the attempts for `subject`, after a login that succeeded.
    pub async fn clear_login_attempts(&mut self, subject: &str) -> Result<()> {
        let text = "DELETE FROM login_attempts WHERE subject = $1";
        self.execute(sql("forget logins", text).bind(subject)).await.map(|_| ())
    }

    /// Forgets all attempts before `before`.
    pub async fn forget_login_attempts(&mut self, before: Timestamp) -> Result<u64> {
        let text = "DELETE FROM login_attempts WHERE at < $1";
        self.execute(sql("forget logins", text).bind(before)).await
    }
}
