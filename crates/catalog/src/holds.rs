//! Holds: what forbids the deletion of a snapshot. A pin is a hold of the simplest form.

use backstay_model::{Actor, HoldId, SnapshotId, Timestamp};

use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Fields, Record, sql};
use crate::transaction::Tx;

/// A hold.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldRow {
    /// Its id.
    pub id: HoldId,
    /// What it holds.
    pub snapshot: SnapshotId,
    /// Why.
    pub reason: String,
    /// When it ends by itself; `None`: when it is released.
    pub until: Option<Timestamp>,
    /// Whether it is a pin, of which a snapshot has at most one.
    pub pin: bool,
    /// When it was placed.
    pub created_at: Timestamp,
    /// Who placed it.
    pub created_by: Actor,
}

const COLUMNS: &str = "id, snapshot_id, reason, until, pin, created_at, created_by";

impl Record for HoldRow {
    const TABLE: &'static str = "holds";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            id: fields.parsed()?,
            snapshot: fields.parsed()?,
            reason: fields.text()?,
            until: fields.optional_time()?,
            pin: fields.flag()?,
            created_at: fields.time()?,
            created_by: fields.json()?,
        })
    }
}

impl Session {
    /// The hold with this id.
    pub async fn hold(&mut self, id: &HoldId) -> Result<Option<HoldRow>> {
        let text = format!("SELECT {COLUMNS} FROM holds WHERE id = $1");
        self.one(sql("read a hold", text).bind(id)).await
    }

    /// The holds of a snapshot, oldest first.
    pub async fn holds_of(&mut self, snapshot: &SnapshotId) -> Result<Vec<HoldRow>> {
        let text = format!("SELECT {COLUMNS} FROM holds WHERE snapshot_id = $1 ORDER BY created_at, id");
        self.all(sql("list holds", text).bind(snapshot)).await
    }

    /// The holds that have ended by themselves and are to be released.
    pub async fn expired_holds(&mut self, now: Timestamp) -> Result<Vec<HoldRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM holds WHERE until IS NOT NULL AND until <= $1 ORDER BY until LIMIT 1000"
        );
        self.all(sql("list expired holds", text).bind(now)).await
    }
}

impl Tx {
    /// Places a hold on a snapshot that is not being deleted; otherwise a [`CatalogError::Conflict`].
    ///
    /// A second pin changes nothing: returns whether the hold is new.
    pub async fn insert_hold(&mut self, row: &HoldRow) -> Result<bool> {
        let mark = sql(
            "hold a snapshot",
            "UPDATE snapshots SET facet = facet + 1 - pinned, pinned = 1
             WHERE id = $1 AND state IN ('creating', 'ready', 'failed')",
        );
        if self.execute(mark.bind(&row.snapshot)).await? == 0 {
            return Err(self.snapshot_conflict(&row.snapshot).await?);
        }
        if row.pin {
            let pins = sql("read pins", "SELECT count(*) FROM holds WHERE snapshot_id = $1 AND pin = 1");
            if self.number(pins.bind(&row.snapshot)).await? != Some(0) {
                return Ok(false);
            }
        }
        let text = format!("INSERT INTO holds ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let statement = sql("place a hold", text)
            .bind(&row.id)
            .bind(&row.snapshot)
            .bind(&row.reason)
            .bind(row.until)
            .bind(row.pin)
            .bind(row.created_at)
            .bind(serde_json::json!(row.created_by).to_string());
        self.execute(statement).await?;
        Ok(true)
    }

    /// Releases a hold; returns it.
    pub async fn release_hold(&mut self, id: &HoldId) -> Result<HoldRow> {
        let text = format!("DELETE FROM holds WHERE id = $1 RETURNING {COLUMNS}");
        let released: Option<HoldRow> = self.one(sql("release a hold", text).bind(id)).await?;
        let released = released.ok_or_else(|| CatalogError::not_found("hold", id))?;
        self.unmark(&released.snapshot).await?;
        Ok(released)
    }

    /// Removes the pin of a snapshot; returns whether there was one. Other holds stay.
    pub async fn release_pin(&mut self, snapshot: &SnapshotId) -> Result<bool> {
        let text = "DELETE FROM holds WHERE snapshot_id = $1 AND pin = 1";
        let removed = self.execute(sql("unpin", text).bind(snapshot)).await?;
        self.unmark(snapshot).await?;
        Ok(removed > 0)
    }

    /// Takes the mark off a snapshot that no hold holds any more.
    async fn unmark(&mut self, snapshot: &SnapshotId) -> Result<()> {
        let text = "UPDATE snapshots SET facet = facet - 1, pinned = 0
                    WHERE id = $1 AND pinned = 1 AND NOT EXISTS (SELECT 1 FROM holds WHERE snapshot_id = $1)";
        self.execute(sql("release a snapshot", text).bind(snapshot)).await.map(|_| ())
    }
}
