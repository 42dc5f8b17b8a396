//! Bringing back a job that expired.

use backstay_model::{Action, Caller, Kind, Subject};
use serde_json::json;

use crate::checkpoints::{any_job, check_project};
use crate::error::{Result, ServiceError};
use crate::service::Service;

impl Service {
    /// Brings a job back that expired at most seven days ago, with all its checkpoints. It counts as saved to now, so
    /// that it does not expire again at once.
    pub async fn unexpire_job(&self, caller: &Caller, project: &str, job_id: &str) -> Result<()> {
        check_project(project)?;
        self.permit(caller, Some(Kind::Job), Action::Capture, &Subject::new("job", job_id)).await?;
        let mut tx = self.begin().await?;
        let job = any_job(&mut tx, caller, project, job_id).await?;
        // One whose content was removed has nothing that is due.
        let job = job.filter(|job| job.expired_at.is_some() && job.retain_at.is_some());
        let job = job.ok_or_else(|| {
            ServiceError::not_found("Expired job")
                .hint("a job can be brought back for 7 days after it expired")
        })?;
        let mut progress = job.progress();
        (progress.expired_at, progress.updated_at) = (None, self.now());
        tx.move_jobs(&[progress]).await?;
        self.note_end(&mut tx, caller, &job, "job.unexpired", json!({}));
        tx.commit().await?;
        Ok(())
    }
}
