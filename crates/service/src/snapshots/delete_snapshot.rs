//! Deletes a snapshot.

use backstay_catalog::{CatalogError, SnapshotRow, Tombstone, Tx};
use backstay_model::{Action, Caller, ErrorKind, SnapshotId, SnapshotState, Subject};
use backstay_repository::ManifestId;
use serde_json::json;

use super::view::shown_bytes;
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::service::{Describe, Service, blocking};

impl Service {
    /// Deletes a snapshot: the row becomes `deleting` with its event (**the commit point**), the manifest is removed, the row becomes a
    /// tombstone. Content is left to collection. Deleting what is being deleted finishes it.
    ///
    /// Errors: `Conflict` with `Snapshot is pinned`, `Snapshot is held`, `Snapshot is a member of group …`; `Busy` while it is
    /// being written or needed by an unfinished operation.
    pub async fn delete_snapshot(&self, caller: &Caller, id: &SnapshotId, reason: &str) -> Result<()> {
        let row = self.permitted_snapshot(caller, id, Action::Delete).await?;
        let mut fields = Fields::default();
        fields.text("reason", reason, 500);
        fields.finish()?;
        if row.state != SnapshotState::Deleting {
            let mut tx = self.begin().await?;
            self.check_unheld(&mut tx, caller, &row).await?;
            self.check_not_needed(&mut tx, &row).await?;
            self.begin_delete_in(&mut tx, caller, &row, reason).await?;
            tx.commit().await?;
        }
        self.finish_delete(&row).await
    }

    /// Marks rows as `deleting`, with their events, in a transaction of the caller's.
    pub(crate) async fn begin_delete_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &SnapshotRow,
        reason: &str,
    ) -> Result<()> {
        let tombstone = Tombstone { at: self.now(), by: caller.actor.clone(), reason: reason.to_owned() };
        tx.begin_delete(&row.id, &tombstone).await.map_err(refused)?;
        let event = self.event(caller, "snapshot.deleted", Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "name": row.label.as_deref().unwrap_or(row.id.as_str()),
            "size_bytes": shown_bytes(row),
            "trigger": row.trigger,
            "reason": reason,
        })));
        Ok(())
    }

    /// Removes the manifest of a row that is `deleting` and makes the row a tombstone. Repeating it is harmless.
    pub(crate) async fn finish_delete(&self, row: &SnapshotRow) -> Result<()> {
        if let Some(manifest) = row.manifest_id.as_deref().and_then(|id| ManifestId::parse(id).ok()) {
            let repository = self.repository().await?;
            blocking("remove the manifest", move || Ok(repository.delete_manifest(&manifest)?)).await?;
        }
        let mut tx = self.begin().await?;
        match tx.end_delete(&row.id).await {
            // Somebody else finished it.
            Err(CatalogError::Conflict { .. }) => return Ok(()),
            ended => ended?,
        };
        tx.commit().await?;
        Ok(())
    }

    /// Refuses what is held, after holds that have ended are released.
    async fn check_unheld(&self, tx: &mut Tx, caller: &Caller, row: &SnapshotRow) -> Result<()> {
        let now = self.now();
        for hold in tx.holds_of(&row.id).await? {
            if hold.until.is_some_and(|until| until <= now) {
                self.release_hold_in(tx, caller, row, &hold.id, "ended").await?;
            } else if hold.pin {
                return Err(ServiceError::conflict("Snapshot is pinned")
                    .hint(format!("run `backstay unpin {}` first", row.id)));
            } else {
                return Err(ServiceError::conflict("Snapshot is held")
                    .hint(format!("it is held because: {}", hold.reason)));
            }
        }
        Ok(())
    }

    /// Refuses a member of a group of which others are alive, the parent of a fork, and what an unfinished operation needs.
    async fn check_not_needed(&self, tx: &mut Tx, row: &SnapshotRow) -> Result<()> {
        if row.state == SnapshotState::Creating {
            return Err(ServiceError::new(ErrorKind::Busy, "Snapshot is being written")
                .code("in_use")
                .hint("wait for its end, or cancel its task"));
        }
        if let Some(group) = &row.group {
            let others = tx.snapshots_of_group(group).await?;
            if others.iter().any(|other| other.id != row.id && other.state == SnapshotState::Ready) {
                return Err(ServiceError::conflict(format!("Snapshot is a member of group {group}"))
                    .hint("the snapshots of a group go together, by `backstay prune`"));
            }
        }
        if let Some(run) = Self::forks_of(tx, &row.tenant).await?.remove(&row.id) {
            return Err(ServiceError::conflict("Snapshot is in use")
                .code("in_use")
                .hint(format!("the run `{run}` was forked from it")));
        }
        for operation in tx.open_operations(&row.source).await? {
            if operation.snapshot.as_ref() == Some(&row.id) || operation.target.as_ref() == Some(&row.id) {
                return Err(ServiceError::new(ErrorKind::Busy, "Snapshot is in use")
                    .code("in_use")
                    .hint(format!("operation {} needs it; run `backstay recover`", operation.id)));
            }
        }
        Ok(())
    }
}

/// A hold may have been placed since it was looked for.
fn refused(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::Conflict { found, .. } if found == "pinned" => {
            ServiceError::conflict("Snapshot is pinned")
        }
        CatalogError::Conflict { found, .. } => ServiceError::conflict(format!("Snapshot is {found}")),
        error => error.into(),
    }
}
