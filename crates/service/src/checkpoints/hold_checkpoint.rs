//! Holds and pins.

use backstay_catalog::{CheckpointFlags, CheckpointHold};
use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::item::item;
use super::{no_checkpoint, source_of};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::{Describe, Service};
use crate::view::Checkpoint;

/// What is changed of a checkpoint.
enum Mark<'r> {
    Held(&'r str),
    Released,
    Pinned(bool),
}

impl Service {
    /// Places a hold: the checkpoint cannot be deleted until it is released. A hold that stands is replaced.
    pub async fn hold_checkpoint(&self, caller: &Caller, id: &str, reason: &str) -> Result<Checkpoint> {
        let mut fields = Fields::default();
        fields.text("reason", reason, 500);
        fields.check(!reason.trim().is_empty(), "reason", "it must say why");
        fields.finish()?;
        self.mark(caller, id, Action::Hold, Mark::Held(reason)).await
    }

    /// Ends the hold of a checkpoint. Without one nothing changes.
    pub async fn release_checkpoint(&self, caller: &Caller, id: &str) -> Result<Checkpoint> {
        self.mark(caller, id, Action::Hold, Mark::Released).await
    }

    /// Pins a checkpoint, so that no retention removes it, or unpins it.
    pub async fn pin_checkpoint(&self, caller: &Caller, id: &str, pinned: bool) -> Result<Checkpoint> {
        self.mark(caller, id, Action::Pin, Mark::Pinned(pinned)).await
    }

    async fn mark(&self, caller: &Caller, id: &str, action: Action, mark: Mark<'_>) -> Result<Checkpoint> {
        let seen = self.seen_checkpoint(caller, id, action).await?;
        let number = seen.found.checkpoint.head.number;
        let mut tx = self.begin().await?;
        let found = tx.checkpoint(number).await?.filter(|found| !found.checkpoint.head.flags.carrier);
        let found = found.ok_or_else(|| no_checkpoint(id))?;
        let (job, mut head) = (found.job, found.checkpoint.head);
        let mut was_ours = false;
        let (flags, action, data) = match mark {
            Mark::Held(reason) => {
                let (created_at, created_by) = (self.now(), caller.actor.clone());
                let hold =
                    CheckpointHold { checkpoint: number, reason: reason.to_owned(), created_at, created_by };
                tx.hold_checkpoint(&hold).await?;
                let flags = CheckpointFlags { held: true, ..head.flags };
                (flags, "checkpoint.held", json!({"job_id": job.name, "reason": reason}))
            }
            Mark::Released => {
                tx.release_checkpoint(number).await?;
                let flags = CheckpointFlags { held: false, ..head.flags };
                (flags, "checkpoint.released", json!({"job_id": job.name}))
            }
            Mark::Pinned(pinned) => {
                let flags = CheckpointFlags { pinned, ..head.flags };
                let action = if pinned { "checkpoint.pinned" } else { "checkpoint.unpinned" };
                // From now on it is this person's to say, not that of a resume that pinned it for a while.
                was_ours = tx.forget_pins(number).await? > 0;
                (flags, action, json!({"job_id": job.name}))
            }
        };
        if flags != head.flags || was_ours || action == "checkpoint.held" {
            tx.set_checkpoint_flags(number, flags).await?;
            // What protected it may have been all that kept it.
            tx.set_jobs_due(&[job.number], Some(self.now())).await?;
            head.flags = flags;
            head.revision += 1;
            let event = self.event(caller, action, Subject::new("checkpoint", id));
            tx.record(event.of_source(&job.tenant, Kind::Job, &source_of(&job)).with(data));
            tx.commit().await?;
        }
        Ok(item(&job, &head, seen.record))
    }
}
