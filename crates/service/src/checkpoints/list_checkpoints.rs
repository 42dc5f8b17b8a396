//! Listing the checkpoints of a job.

use backstay_catalog::{JobRow, Session};
use backstay_model::{Action, Caller, Kind, Subject};

use super::item::{item, record};
use super::keyring::JobKeys;
use super::{check_job_name, check_project, job_key, text_hash};
use crate::error::Result;
use crate::limits::Fields;
use crate::service::Service;
use crate::view::{CheckpointFilter, CheckpointPage};

impl Service {
    /// A page of a job's checkpoints by their sequence. A job that is unknown has none.
    pub async fn list_checkpoints(
        &self,
        caller: &Caller,
        project: &str,
        job_id: &str,
        filter: &CheckpointFilter,
    ) -> Result<CheckpointPage> {
        check_project(project)?;
        let mut fields = Fields::default();
        check_job_name(&mut fields, "job_id", job_id);
        fields.finish()?;
        self.permit(caller, Some(Kind::Job), Action::View, &Subject::new("job", job_id)).await?;
        let mut read = self.read().await?;
        let Some(job) = find_job(&mut read, caller, project, job_id).await? else {
            return Ok(CheckpointPage { items: Vec::new(), total: 0 });
        };
        let step = filter.step_name.as_deref().map(|name| text_hash(&[name]));
        let total = match step {
            Some(step) => read.count_step(job.number, step).await?,
            None => job.checkpoints,
        };
        // Without gaps a place in the list is a sequence, and nothing has to be counted through.
        let last = job.last_sequence;
        let whole = step.is_none() && last + 1 - job.first_sequence.min(last + 1) == job.checkpoints;
        let (from, offset) = match (whole, filter.newest_first) {
            (true, false) => (Some(job.first_sequence.saturating_add(filter.offset)), 0),
            (true, true) => (Some(last.saturating_sub(filter.offset)), 0),
            (false, _) => (None, filter.offset),
        };
        if filter.offset >= total {
            return Ok(CheckpointPage { items: Vec::new(), total });
        }
        let rows =
            read.list_checkpoints(job.number, step, filter.newest_first, from, offset, filter.limit).await?;
        let keys = JobKeys::of(self.keyring().await?, &job);
        let items = rows
            .into_iter()
            .map(|row| item(&job, &row.head, record(&keys, row.head.number, row.record)))
            .collect();
        Ok(CheckpointPage { items, total })
    }
}

/// The job with this name in the caller's tenant, unless it is expired.
pub(crate) async fn find_job(
    session: &mut Session,
    caller: &Caller,
    project: &str,
    job_id: &str,
) -> Result<Option<JobRow>> {
    Ok(any_job(session, caller, project, job_id).await?.filter(|job| job.expired_at.is_none()))
}

/// The job with this name in the caller's tenant, expired or not.
pub(crate) async fn any_job(
    session: &mut Session,
    caller: &Caller,
    project: &str,
    job_id: &str,
) -> Result<Option<JobRow>> {
    let key = job_key(&caller.tenant, project, job_id);
    Ok(session.jobs_by_key(&[key]).await?.pop())
}
