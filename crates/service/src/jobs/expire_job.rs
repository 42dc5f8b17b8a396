//! Expiring a job that nobody saved to for long.

use std::collections::HashSet;

use backstay_catalog::{JobRow, Tx};
use backstay_model::retention::job::JobRules;
use backstay_model::{Caller, Kind, Subject};
use serde_json::json;

use super::UNDO_S;
use crate::checkpoints::{JobKeys, source_of};
use crate::error::Result;
use crate::service::{Describe, Service};

/// When to look again at a job that would expire and has a hold or an open execution, in seconds.
const HELD_S: i64 = 3600;

impl Service {
    /// Expires a job that was idle for as long as its policy says; whether it has dealt with the job. A hold or an open
    /// execution delays it. Nothing is removed yet: for seven days the job can be brought back.
    pub(super) async fn expire_idle(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        job: &JobRow,
        rules: &JobRules,
    ) -> Result<bool> {
        let now = self.now();
        let Some(idle) = rules.expire_job_after_idle_s else { return Ok(false) };
        if now.seconds_since(job.updated_at) < idle as f64 {
            return Ok(false);
        }
        let busy = !tx.open_executions(job.number).await?.is_empty();
        if busy || tx.holds_of_job(job.number).await? > 0 {
            tx.set_jobs_due(&[job.number], Some(now.plus_seconds(HELD_S))).await?;
            return Ok(true);
        }
        let until = now.plus_seconds(UNDO_S);
        tx.set_job_expired(job.number, Some(now), Some(until)).await?;
        self.note_end(tx, caller, job, "job.expired", json!({"idle_s": idle, "until": until}));
        Ok(true)
    }

    /// Removes everything of a job that expired and was not brought back in time. Its row stays, unseen, so that no
    /// sequence is ever given twice.
    pub(super) async fn remove_expired(&self, tx: &mut Tx, caller: &Caller, job: &JobRow) -> Result<()> {
        let keys = JobKeys::of(self.keyring().await?, job);
        let heads = tx.all_checkpoint_heads(job.number).await?;
        let all: HashSet<i64> = heads.iter().map(|head| head.number).collect();
        let removed = self.remove_checkpoints(tx, job, &keys, &heads, all, true).await?;
        tx.set_jobs_due(&[job.number], None).await?;
        self.note_end(tx, caller, job, "job.removed", json!({"checkpoints": removed.unlisted}));
        Ok(())
    }

    pub(crate) fn note_end(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        job: &JobRow,
        action: &str,
        mut data: serde_json::Value,
    ) {
        data["job_id"] = json!(job.name);
        data["project"] = json!(job.project);
        let source = source_of(job);
        let event = self.event(caller, action, Subject::new("job", &source));
        tx.record(event.of_source(&job.tenant, Kind::Job, &source).with(data));
    }
}
