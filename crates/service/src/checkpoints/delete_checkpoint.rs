//! Deleting one checkpoint.

use std::collections::{HashMap, HashSet};

use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use super::batch::source_of;
use super::no_checkpoint;
use super::remove::follow_what_stays;
use crate::error::{Result, ServiceError};
use crate::service::{Describe, Service};

impl Service {
    /// Deletes a checkpoint; what later ones need of it stays, unseen. A held one is a conflict; one that is gone is not found.
    pub async fn delete_checkpoint(&self, caller: &Caller, id: &str) -> Result<()> {
        let seen = self.seen_checkpoint(caller, id, Action::Delete).await?;
        let number = seen.found.checkpoint.head.number;
        let mut tx = self.begin().await?;
        let job =
            tx.jobs_by_number(&[seen.found.job.number]).await?.pop().ok_or_else(|| no_checkpoint(id))?;
        let head = tx.checkpoint_heads(&[number]).await?.pop().filter(|head| !head.flags.carrier);
        let head = head.ok_or_else(|| no_checkpoint(id))?;
        if head.flags.held {
            return Err(ServiceError::conflict(format!("Checkpoint {id} is held"))
                .code("held")
                .hint("an administrator can release the hold"));
        }
        if let Some(reason) = self.needed_checkpoints(&mut tx, job.number).await?.get(&number) {
            let by = reason.as_str();
            return Err(ServiceError::conflict(format!("Checkpoint {id} is needed: {by}"))
                .code("needed")
                .hint("it can go when the execution, approval or resume that needs it has ended"));
        }
        if head.flags.typed {
            let heads = tx.all_checkpoint_heads(job.number).await?;
            self.remove_checkpoints(&mut tx, &job, &seen.keys, &heads, HashSet::from([number]), false)
                .await?;
        } else {
            follow_what_stays(&mut tx, &HashMap::from([(number, head.parent)])).await?;
            self.remove_rows(&mut tx, &job, &seen.keys, &[head], 1).await?;
        }
        let event = self.event(caller, "checkpoint.deleted", Subject::new("checkpoint", id));
        let event = event.of_source(&job.tenant, Kind::Job, &source_of(&job));
        tx.record(event.with(json!({"job_id": job.name})));
        tx.commit().await?;
        Ok(())
    }
}
