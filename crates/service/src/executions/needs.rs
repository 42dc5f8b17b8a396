//! What open executions and resumes need of their job.

use std::collections::HashMap;

use backstay_catalog::{JobRow, Session};
use backstay_model::retention::job::JobReason;
use backstay_source_job::execution::{ExecutionKey, Refusal};

use crate::error::Result;
use crate::service::Service;

impl Service {
    /// The checkpoints of a job at which executions stand that have not ended, or stood when somebody last approved, and why each
    /// is needed;
    /// and those from which the job is being resumed.
    pub(crate) async fn needed_checkpoints(
        &self,
        session: &mut Session,
        job: i64,
    ) -> Result<HashMap<i64, JobReason>> {
        let mut needed = HashMap::new();
        for execution in session.open_executions(job).await? {
            for checkpoint in execution.checkpoint.into_iter().chain(execution.seen_checkpoint) {
                if execution.pending_approvals > 0 {
                    needed.insert(checkpoint, JobReason::Approval);
                } else {
                    needed.entry(checkpoint).or_insert(JobReason::Execution);
                }
            }
        }
        for resume in session.open_resumes(job).await? {
            needed.entry(resume.checkpoint).or_insert(JobReason::Resume);
        }
        Ok(needed)
    }

    /// Those of the executions with these public ids that have ended and belong to `job`, with their numbers. A client may give any
    /// text as the execution of a checkpoint; what is no such execution counts for nothing.
    pub(crate) async fn ended_executions(
        &self,
        session: &mut Session,
        job: &JobRow,
        ids: &[&str],
    ) -> Result<HashMap<String, i64>> {
        let wanted: HashMap<&str, i64> =
            ids.iter().filter_map(|id| Some((*id, ExecutionKey::parse(id)?.0.number()))).collect();
        let numbers: Vec<i64> = wanted.values().copied().collect();
        let rows = session.executions_by_number(&numbers).await?;
        let ended = rows.into_iter().filter(|row| row.job == job.number && row.state.is_final());
        let named =
            ended.map(|row| (ExecutionKey::from_number(row.number).public(&row.workflow_name), row.number));
        Ok(named.filter(|(id, _)| wanted.contains_key(id.as_str())).collect())
    }

    /// Refuses to let a job go on while an approval of it is pending; deadlines that have passed are applied before.
    pub(crate) async fn must_not_wait(&self, job: &JobRow) -> Result<()> {
        let open = self.read().await?.open_executions(job.number).await?;
        for execution in open.iter().filter(|execution| execution.pending_approvals > 0) {
            self.pass_deadlines_of(execution.number).await?;
        }
        let mut read = self.read().await?;
        self.waits(&mut read, job).await
    }

    /// The same as it is in `session`, without deadlines.
    pub(crate) async fn waits(&self, session: &mut Session, job: &JobRow) -> Result<()> {
        for execution in session.open_executions(job.number).await? {
            if execution.pending_approvals == 0 {
                continue;
            }
            let opened = self.opened(session, execution).await?;
            if let Some(step) = opened.flow.first_waiting() {
                return Err(Refusal::Waiting(step.name.clone()).into());
            }
        }
        Ok(())
    }
}
