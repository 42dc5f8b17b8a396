//! Holds and pins, which forbid the deletion of a snapshot.

use backstay_catalog::{CatalogError, HoldRow, SnapshotRow, Tx};
use backstay_model::{Action, Caller, HoldId, SnapshotId, SnapshotState, Subject};
use serde_json::json;

use super::view::{detailed, hold as view};
use crate::error::{Result, ServiceError};
use crate::limits::Fields;
use crate::page::{Page, PageRequest};
use crate::service::{Describe, Service};
use crate::view::{Hold, NewHold, Snapshot};

impl Service {
    /// Places a hold. `Conflict` when the snapshot is being deleted.
    pub async fn hold_snapshot(&self, caller: &Caller, id: &SnapshotId, new: NewHold) -> Result<Hold> {
        let row = self.permitted_snapshot(caller, id, Action::Hold).await?;
        let now = self.now();
        let mut fields = Fields::default();
        fields.check(!new.reason.trim().is_empty(), "reason", "it must not be blank");
        fields.text("reason", &new.reason, 500);
        fields.check(new.expires_at.is_none_or(|end| end > now), "expires_at", "it lies in the past");
        fields.finish()?;
        let hold = HoldRow {
            id: HoldId::generate(now, &**self.rng()),
            snapshot: id.clone(),
            reason: new.reason,
            until: new.expires_at,
            pin: false,
            created_at: now,
            created_by: caller.actor.clone(),
        };
        let mut tx = self.begin().await?;
        tx.insert_hold(&hold).await.map_err(being_deleted)?;
        let event = self.event(caller, "snapshot.held", Subject::new("snapshot", id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "hold": hold.id, "reason": hold.reason, "until": hold.until,
        })));
        tx.commit().await?;
        Ok(view(hold))
    }

    /// Releases a hold.
    pub async fn release_hold(&self, caller: &Caller, id: &HoldId) -> Result<()> {
        let hold = self.read().await?.hold(id).await?.ok_or_else(|| ServiceError::not_found("Hold"))?;
        let action = if hold.pin { Action::Pin } else { Action::Hold };
        let row = self.permitted_snapshot(caller, &hold.snapshot, action).await?;
        let mut tx = self.begin().await?;
        self.release_hold_in(&mut tx, caller, &row, id, "released").await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn release_hold_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        row: &SnapshotRow,
        id: &HoldId,
        why: &str,
    ) -> Result<()> {
        let hold = tx.release_hold(id).await?;
        let action = if hold.pin { "snapshot.unpinned" } else { "snapshot.released" };
        let event = self.event(caller, action, Subject::new("snapshot", &row.id));
        tx.record(event.of_source(&row.tenant, row.kind, &row.source).with(json!({
            "hold": id, "reason": hold.reason, "why": why,
        })));
        Ok(())
    }

    /// Lists the holds in force on a snapshot, newest first.
    pub async fn list_holds(
        &self,
        caller: &Caller,
        id: &SnapshotId,
        page: &PageRequest,
    ) -> Result<Page<Hold>> {
        self.permitted_snapshot(caller, id, Action::View).await?;
        let now = self.now();
        let mut holds = self.read().await?.holds_of(id).await?;
        holds.retain(|hold| hold.until.is_none_or(|until| until > now));
        holds.reverse();
        Ok(page.cut(holds)?.map(view))
    }

    /// Pins a snapshot. Pinning a pinned one changes nothing.
    pub async fn pin_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let row = self.permitted_snapshot(caller, id, Action::Pin).await?;
        let pin = self.pin_row(caller, id, self.now());
        let mut tx = self.begin().await?;
        if tx.insert_hold(&pin).await.map_err(being_deleted)? {
            let event = self.event(caller, "snapshot.pinned", Subject::new("snapshot", id));
            tx.record(event.of_source(&row.tenant, row.kind, &row.source));
            tx.commit().await?;
        }
        self.shown_again(id).await
    }

    /// Removes the pin. Unpinning one that is not pinned changes nothing.
    pub async fn unpin_snapshot(&self, caller: &Caller, id: &SnapshotId) -> Result<Snapshot> {
        let row = self.permitted_snapshot(caller, id, Action::Pin).await?;
        let mut tx = self.begin().await?;
        if tx.release_pin(id).await? {
            let event = self.event(caller, "snapshot.unpinned", Subject::new("snapshot", id));
            tx.record(event.of_source(&row.tenant, row.kind, &row.source));
            tx.commit().await?;
        }
        self.shown_again(id).await
    }

    /// Releases every hold that has ended by itself; returns how many. For the scheduler.
    pub async fn release_ended_holds(&self) -> Result<u32> {
        let caller = Caller::system("holds");
        let ended = self.read().await?.expired_holds(self.now()).await?;
        let mut released = 0;
        for hold in ended {
            let mut tx = self.begin().await?;
            if let Some(row) = tx.snapshot(&hold.snapshot).await?
                && row.state != SnapshotState::Deleted
            {
                match self.release_hold_in(&mut tx, &caller, &row, &hold.id, "ended").await {
                    Err(error) if error.kind == backstay_model::ErrorKind::NotFound => continue,
                    done => done?,
                }
                tx.commit().await?;
                released += 1;
            }
        }
        Ok(released)
    }

    async fn shown_again(&self, id: &SnapshotId) -> Result<Snapshot> {
        let mut read = self.read().await?;
        let row = read.snapshot(id).await?.ok_or_else(|| ServiceError::not_found("Snapshot"))?;
        detailed(&mut read, row, self.now()).await
    }
}

fn being_deleted(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::Conflict { found, .. } => ServiceError::conflict(format!("Snapshot is {found}")),
        error => error.into(),
    }
}
