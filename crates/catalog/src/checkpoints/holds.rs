//! Holds of checkpoints: at most one each.

use backstay_model::{Actor, Timestamp};

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointHold {
    /// The number of the held checkpoint.
    pub checkpoint: i64,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Who placed it.
    pub created_by: Actor,
}

impl Record for CheckpointHold {
    const TABLE: &'static str = "checkpoint_holds";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            checkpoint: fields.int()?,
            reason: fields.text()?,
            created_at: fields.time()?,
            created_by: fields.json()?,
        })
    }
}

impl Session {
    /// The hold of a checkpoint.
    pub async fn checkpoint_hold(&mut self, checkpoint: i64) -> Result<Option<CheckpointHold>> {
        let text =
            "SELECT checkpoint, reason, created_at, created_by FROM checkpoint_holds WHERE checkpoint = $1";
        self.one(sql("read a hold", text).bind(checkpoint)).await
    }

    /// How many checkpoints of a job are held.
    pub async fn holds_of_job(&mut self, job: i64) -> Result<u64> {
        let text = "SELECT count(*) FROM checkpoint_holds h JOIN checkpoints c ON c.number = h.checkpoint WHERE c.job = $1";
        let count = self.number(sql("count holds", text).bind(job)).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }
}

impl Tx {
    /// Places a hold; one that stands already is replaced.
    pub async fn hold_checkpoint(&mut self, hold: &CheckpointHold) -> Result<()> {
        let text = "INSERT INTO checkpoint_holds (checkpoint, reason, created_at, created_by) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (checkpoint) DO UPDATE SET reason = excluded.reason,
                        created_at = excluded.created_at, created_by = excluded.created_by";
        let statement = sql("hold a checkpoint", text)
            .bind(hold.checkpoint)
            .bind(&hold.reason)
            .bind(hold.created_at)
            .bind(serde_json::json!(hold.created_by).to_string());
        self.execute(statement).await.map(|_| ())
    }

    /// Ends a hold; whether there was one.
    pub async fn release_checkpoint(&mut self, checkpoint: i64) -> Result<bool> {
        let text = "DELETE FROM checkpoint_holds WHERE checkpoint = $1";
        self.execute(sql("release a checkpoint", text).bind(checkpoint)).await.map(|rows| rows > 0)
    }
}
