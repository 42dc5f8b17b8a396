//! The steps of a snapshot's life. Each is guarded by the state before it.

use backstay_model::{Actor, SnapshotId, SnapshotState, Timestamp, Trigger};

use super::facet::{Facet, of_state, of_trigger};
use super::row::{COLUMNS, NewSnapshot, SnapshotContent, SnapshotRow, Tombstone};
use crate::error::{CatalogError, Result};
use crate::sql::{Statement, Value, any_of, batches, sql};
use crate::transaction::Tx;
use crate::words::{scope_word, words};

/// What changes the facet when a snapshot moves from one state to another.
fn step(from: SnapshotState, to: SnapshotState) -> i64 {
    debug_assert!(from.may_become(to), "{from} may not become {to}");
    of_state(to) - of_state(from)
}

impl Tx {
    /// Adds a snapshot that is being created; returns its row, whose time may have been moved by microseconds.
    pub async fn insert_snapshot(&mut self, new: &NewSnapshot) -> Result<SnapshotRow> {
        let row = SnapshotRow {
            created_at: new.created_at,
            id: new.id.clone(),
            tenant: new.tenant.clone(),
            source: new.source.clone(),
            kind: new.kind,
            state: SnapshotState::Creating,
            trigger: new.trigger,
            pinned: false,
            name: new.name.clone(),
            label: new.label.clone(),
            description: new.description.clone(),
            finished_at: None,
            parent: new.parent.clone(),
            group: new.group.clone(),
            operation: new.operation.clone(),
            manifest_id: None,
            tree_id: None,
            logical_bytes: 0,
            added_bytes: 0,
            stored_bytes: 0,
            counts: serde_json::json!({}),
            warning_count: 0,
            warnings: serde_json::json!([]),
            partial: false,
            attributes: new.attributes.clone(),
            created_by: new.created_by.clone(),
            failure: None,
            lease_owner: Some(new.lease_owner.clone()),
            lease_expires_at: Some(new.lease_expires_at),
            tombstone: None,
            verified_at: None,
            damage: None,
        };
        self.adopt_snapshot(row).await
    }

    /// Adds a snapshot in whatever state the row says: one that is recovered from a repository or brought in from elsewhere.
    ///
    /// Returns the row as stored: its time is moved to the next free microsecond; it is not pinned, holds are placed separately.
    pub async fn adopt_snapshot(&mut self, mut row: SnapshotRow) -> Result<SnapshotRow> {
        row.created_at = self.free_time(row.created_at).await?;
        row.pinned = false;
        let facet = Facet { kind: row.kind, state: row.state, trigger: row.trigger, pinned: false };
        let places: Vec<String> = (1..=35).map(|n| format!("${n}")).collect();
        let text = format!("INSERT INTO snapshots ({COLUMNS}, facet) VALUES ({})", places.join(", "));
        let (deleted_at, deleted_by, deleted_reason) = match &row.tombstone {
            Some(tombstone) => (
                Some(tombstone.at),
                Some(serde_json::json!(tombstone.by).to_string()),
                Some(tombstone.reason.as_str()),
            ),
            None => (None, None, None),
        };
        let statement = sql("add a snapshot", text)
            .bind(&row.id)
            .bind(row.created_at)
            .bind(&row.tenant)
            .bind(&row.source)
            .bind(row.kind)
            .bind(row.state)
            .bind(row.trigger)
            .bind(row.pinned)
            .bind(&row.name)
            .bind(&row.label)
            .bind(&row.description)
            .bind(row.finished_at)
            .bind(&row.parent)
            .bind(&row.group)
            .bind(&row.operation)
            .bind(&row.manifest_id)
            .bind(&row.tree_id)
            .bind(row.logical_bytes)
            .bind(row.added_bytes)
            .bind(row.stored_bytes)
            .bind(&row.counts)
            .bind(row.warning_count)
            .bind(&row.warnings)
            .bind(row.partial)
            .bind(&row.attributes)
            .bind(serde_json::json!(row.created_by).to_string())
            .bind(&row.failure)
            .bind(&row.lease_owner)
            .bind(row.lease_expires_at)
            .bind(deleted_at)
            .bind(deleted_by)
            .bind(deleted_reason)
            .bind(row.verified_at)
            .bind(&row.damage)
            .bind(facet.number());
        self.execute(statement).await?;
        self.index_text(&row, false).await?;
        Ok(row)
    }

    /// The first time at or after `wanted` that no snapshot has.
    async fn free_time(&mut self, wanted: Timestamp) -> Result<Timestamp> {
        let wanted = wanted.as_micros().max(0);
        let text = "SELECT min(free.at) FROM (
                        SELECT $1 AS at WHERE NOT EXISTS (SELECT 1 FROM snapshots WHERE created_at = $1)
                        UNION ALL
                        SELECT * FROM (
                            SELECT s.created_at + 1 AS at FROM snapshots s
                            WHERE s.created_at >= $1
                                AND NOT EXISTS (SELECT 1 FROM snapshots n WHERE n.created_at = s.created_at + 1)
                            ORDER BY s.created_at LIMIT 1) AS later) AS free";
        let text = if self.is_postgres() {
            text.replace("SELECT $1 AS at", "SELECT CAST($1 AS BIGINT) AS at")
        } else {
            text.to_owned()
        };
        let free = self.number(sql("find a free time", text).bind(wanted)).await?;
        Ok(Timestamp::from_micros(free.unwrap_or(wanted)))
    }

    /// Keeps the lease of a capture; one that was closed meanwhile is a [`CatalogError::Conflict`].
    pub async fn extend_capture(&mut self, id: &SnapshotId, owner: &str, until: Timestamp) -> Result<()> {
        let text = "UPDATE snapshots SET lease_expires_at = $3
                    WHERE id = $1 AND lease_owner = $2 AND state = 'creating'";
        let statement = sql("keep a capture's lease", text).bind(id).bind(owner).bind(until);
        match self.execute(statement).await? {
            0 => Err(self.snapshot_conflict(id).await?),
            _ => Ok(()),
        }
    }

    /// The commit point of a capture: `creating` becomes `ready`.
    ///
    /// Only the owner of the lease may; a [`CatalogError::Conflict`] says that the capture was closed as dead meanwhile.
    pub async fn ready_snapshot(
        &mut self,
        id: &SnapshotId,
        owner: &str,
        content: &SnapshotContent,
        now: Timestamp,
    ) -> Result<SnapshotRow> {
        let text = format!(
            "UPDATE snapshots SET state = 'ready', facet = facet + $4, finished_at = $3, manifest_id = $5, tree_id = $6,
                 logical_bytes = $7, added_bytes = $8, stored_bytes = $9, counts = $10, warning_count = $11, warnings = $12,
                 partial = $13, attributes = coalesce($14, attributes), lease_owner = NULL, lease_expires_at = NULL
             WHERE id = $1 AND lease_owner = $2 AND state = 'creating' RETURNING {COLUMNS}"
        );
        let statement = sql("finish a snapshot", text)
            .bind(id)
            .bind(owner)
            .bind(now)
            .bind(step(SnapshotState::Creating, SnapshotState::Ready))
            .bind(&content.manifest_id)
            .bind(&content.tree_id)
            .bind(content.logical_bytes)
            .bind(content.added_bytes)
            .bind(content.stored_bytes)
            .bind(&content.counts)
            .bind(content.warning_count)
            .bind(&content.warnings)
            .bind(content.partial)
            .bind(&content.attributes);
        self.changed_snapshot(id, statement).await
    }

    /// Closes a capture as failed: `creating` becomes `failed`, whoever holds the lease.
    pub async fn fail_snapshot(
        &mut self,
        id: &SnapshotId,
        failure: &str,
        now: Timestamp,
    ) -> Result<SnapshotRow> {
        let text = format!(
            "UPDATE snapshots SET state = 'failed', facet = facet + $4, finished_at = $3, failure = $2,
                 lease_owner = NULL, lease_expires_at = NULL
             WHERE id = $1 AND state = 'creating' RETURNING {COLUMNS}"
        );
        let statement = sql("close a snapshot", text)
            .bind(id)
            .bind(failure)
            .bind(now)
            .bind(step(SnapshotState::Creating, SnapshotState::Failed));
        self.changed_snapshot(id, statement).await
    }

    /// Closes every capture whose lease has run out as failed, with `failure` as the reason; returns the changed rows.
    pub async fn close_expired_captures(
        &mut self,
        now: Timestamp,
        failure: &str,
    ) -> Result<Vec<SnapshotRow>> {
        let mut closed = Vec::new();
        for row in self.expired_captures(now).await? {
            closed.push(self.fail_snapshot(&row.id, failure, now).await?);
        }
        Ok(closed)
    }

    /// Begins a deletion: `ready` or `failed` becomes `deleting`, with the tombstone written already.
    ///
    /// A pinned snapshot is a [`CatalogError::Conflict`] whose `found` is `pinned`.
    pub async fn begin_delete(&mut self, id: &SnapshotId, tombstone: &Tombstone) -> Result<SnapshotRow> {
        let text = format!(
            "UPDATE snapshots SET facet = facet + CASE state WHEN 'ready' THEN $5 ELSE $6 END, state = 'deleting',
                 deleted_at = $2, deleted_by = $3, deleted_reason = $4
             WHERE id = $1 AND state IN ('ready', 'failed') AND pinned = 0 RETURNING {COLUMNS}"
        );
        let statement = sql("delete a snapshot", text)
            .bind(id)
            .bind(tombstone.at)
            .bind(actor(&tombstone.by))
            .bind(&tombstone.reason)
            .bind(step(SnapshotState::Ready, SnapshotState::Deleting))
            .bind(step(SnapshotState::Failed, SnapshotState::Deleting));
        self.changed_snapshot(id, statement).await
    }

    /// Ends a deletion: `deleting` becomes `deleted`. The row stays as a tombstone.
    pub async fn end_delete(&mut self, id: &SnapshotId) -> Result<SnapshotRow> {
        let text = format!(
            "UPDATE snapshots SET facet = facet + $2, state = 'deleted'
             WHERE id = $1 AND state = 'deleting' RETURNING {COLUMNS}"
        );
        let statement = sql("delete a snapshot", text)
            .bind(id)
            .bind(step(SnapshotState::Deleting, SnapshotState::Deleted));
        self.changed_snapshot(id, statement).await
    }

    /// Changes label and description of a snapshot that is not deleted; `None` leaves one as it is, an empty text clears it.
    pub async fn describe_snapshot(
        &mut self,
        id: &SnapshotId,
        label: Option<&str>,
        description: Option<&str>,
    ) -> Result<SnapshotRow> {
        let text = format!(
            "UPDATE snapshots SET label = nullif(coalesce($2, label), ''),
                 description = nullif(coalesce($3, description), '')
             WHERE id = $1 AND state IN ('creating', 'ready', 'failed') RETURNING {COLUMNS}"
        );
        let statement = sql("describe a snapshot", text).bind(id).bind(label).bind(description);
        let row = self.changed_snapshot(id, statement).await?;
        self.index_text(&row, true).await?;
        Ok(row)
    }

    /// Changes why a ready snapshot is there, for example when it remains as an undo point only.
    pub async fn set_snapshot_trigger(&mut self, id: &SnapshotId, trigger: Trigger) -> Result<SnapshotRow> {
        let old = self.snapshot(id).await?.ok_or_else(|| CatalogError::not_found("snapshot", id))?;
        let text = format!(
            "UPDATE snapshots SET facet = facet + $2, cause = $3 WHERE id = $1 AND state = 'ready' RETURNING {COLUMNS}"
        );
        let change = of_trigger(trigger) - of_trigger(old.trigger);
        let statement = sql("change a snapshot", text).bind(id).bind(change).bind(trigger.as_str());
        self.changed_snapshot(id, statement).await
    }

    /// Notes that something of the content was found damaged or missing when it was read back at `now`.
    pub async fn set_snapshot_damaged(
        &mut self,
        id: &SnapshotId,
        now: Timestamp,
        damage: &str,
    ) -> Result<SnapshotRow> {
        let text = format!(
            "UPDATE snapshots SET verified_at = $2, damage = $3 WHERE id = $1 AND state = 'ready' RETURNING {COLUMNS}"
        );
        let statement = sql("note damage", text).bind(id).bind(now).bind(damage);
        self.changed_snapshot(id, statement).await
    }

    /// Notes that the content of these was read back whole at `now`; what is no longer ready is left as it is.
    pub async fn set_snapshots_whole(&mut self, ids: &[SnapshotId], now: Timestamp) -> Result<()> {
        let ids: Vec<&str> = ids.iter().map(SnapshotId::as_str).collect();
        for batch in batches(&ids) {
            let text = "UPDATE snapshots SET verified_at = $1, damage = NULL WHERE state = 'ready' AND id";
            self.execute(any_of(sql("note a verification", text).bind(now), batch)).await?;
        }
        Ok(())
    }

    async fn changed_snapshot(&mut self, id: &SnapshotId, statement: Statement) -> Result<SnapshotRow> {
        match self.one(statement).await? {
            Some(row) => Ok(row),
            None => Err(self.snapshot_conflict(id).await?),
        }
    }

    /// Makes the row's texts searchable.
    async fn index_text(&mut self, row: &SnapshotRow, again: bool) -> Result<()> {
        let body = searchable(row);
        let key = Value::from(row.created_at);
        if self.is_postgres() {
            let text = "INSERT INTO snapshot_text (created_at, body) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))
                        ON CONFLICT (created_at) DO UPDATE SET body = excluded.body";
            return self.execute(sql("index a snapshot", text).bind(key).bind(body)).await.map(|_| ());
        }
        if again {
            let text = "DELETE FROM snapshot_text WHERE rowid = $1";
            self.execute(sql("index a snapshot", text).bind(key.clone())).await?;
        }
        let text = "INSERT INTO snapshot_text (rowid, body) VALUES ($1, $2)";
        self.execute(sql("index a snapshot", text).bind(key).bind(body)).await.map(|_| ())
    }
}

/// The words by which a snapshot is found.
pub(crate) fn searchable(row: &SnapshotRow) -> String {
    let mut body = vec![scope_word('t', row.tenant.as_str()), scope_word('s', row.source.as_str())];
    for text in [&row.name, &row.label, &row.description].into_iter().flatten() {
        body.extend(words(text));
    }
    body.extend(words(row.id.as_str()));
    body.join(" ")
}

/// An actor as it is stored.
fn actor(actor: &Actor) -> String {
    serde_json::json!(actor).to_string()
}
