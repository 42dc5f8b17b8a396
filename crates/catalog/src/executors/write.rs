//! Writing executors and resumes.

use backstay_model::Timestamp;
use backstay_model::execution::ResumeState;
use serde_json::json;

use super::row::{EXECUTOR, ExecutorRow, RESUME, ResumeRow};
use crate::error::{CatalogError, Result};
use crate::sql::sql;
use crate::transaction::Tx;

impl Tx {
    /// Adds an executor; [`CatalogError::Duplicate`] when the project has one of this name.
    pub async fn insert_executor(&mut self, row: &ExecutorRow) -> Result<()> {
        let text =
            format!("INSERT INTO executors ({EXECUTOR}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
        let statement = sql("add an executor", text)
            .bind(row.number)
            .bind(&row.tenant)
            .bind(&row.project)
            .bind(&row.name)
            .bind(row.pull)
            .bind(json!(row.patterns).to_string())
            .bind(row.timeout_s)
            .bind(json!(row.capabilities).to_string())
            .bind(row.created_at)
            .bind(&row.record[..]);
        self.execute(statement).await.map(|_| ())
    }

    /// Removes an executor; jobs that named it name none.
    pub async fn delete_executor(&mut self, number: i64) -> Result<()> {
        let text = "UPDATE jobs SET executor = NULL WHERE executor = $1";
        self.execute(sql("remove an executor", text).bind(number)).await?;
        let text = "DELETE FROM executors WHERE number = $1";
        match self.execute(sql("remove an executor", text).bind(number)).await? {
            0 => Err(CatalogError::not_found("executor", &number)),
            _ => Ok(()),
        }
    }

    /// Sets or clears the executor that a job names.
    pub async fn set_job_executor(&mut self, job: i64, executor: Option<i64>) -> Result<()> {
        let text = "UPDATE jobs SET executor = $2 WHERE number = $1";
        self.execute(sql("name an executor", text).bind(job).bind(executor)).await.map(|_| ())
    }

    /// Sets the epoch of a job.
    pub async fn set_job_epoch(&mut self, job: i64, epoch: u64) -> Result<()> {
        let text = "UPDATE jobs SET epoch = $2 WHERE number = $1";
        match self.execute(sql("set the epoch of a job", text).bind(job).bind(epoch)).await? {
            0 => Err(CatalogError::not_found("job", &job)),
            _ => Ok(()),
        }
    }

    /// Adds a resume.
    pub async fn insert_resume(&mut self, row: &ResumeRow) -> Result<()> {
        let text = format!(
            "INSERT INTO resumes ({RESUME})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        );
        let statement = sql("add a resume", text)
            .bind(row.number)
            .bind(row.job)
            .bind(&row.tenant)
            .bind(row.executor)
            .bind(row.checkpoint)
            .bind(row.state.as_str())
            .bind(row.epoch)
            .bind(row.safety)
            .bind(row.unpin_at)
            .bind(row.leased_until)
            .bind(row.ends_at)
            .bind(row.created_at)
            .bind(row.ended_at)
            .bind(&row.record[..]);
        self.execute(statement).await.map(|_| ())
    }

    /// Notes how a resume ended.
    pub async fn end_resume(
        &mut self,
        number: i64,
        state: ResumeState,
        at: Timestamp,
        record: &[u8],
    ) -> Result<()> {
        let text = "UPDATE resumes SET state = $2, ended_at = $3, record = $4 WHERE number = $1";
        let statement = sql("end a resume", text).bind(number).bind(state.as_str()).bind(at).bind(record);
        match self.execute(statement).await? {
            0 => Err(CatalogError::not_found("resume", &number)),
            _ => Ok(()),
        }
    }

    /// Notes that the message of a resume was given out, and is again from `until` on.
    pub async fn lease_resume(&mut self, number: i64, until: Timestamp) -> Result<()> {
        let text = "UPDATE resumes SET leased_until = $2 WHERE number = $1";
        self.execute(sql("give out a resume", text).bind(number).bind(until)).await.map(|_| ())
    }

    /// Forgets that resumes pinned a checkpoint: whether it stays pinned is somebody else's to say now. Returns how many did.
    pub async fn forget_pins(&mut self, checkpoint: i64) -> Result<u64> {
        let text = "UPDATE resumes SET unpin_at = NULL WHERE safety = $1 AND unpin_at IS NOT NULL";
        self.execute(sql("forget pins", text).bind(checkpoint)).await
    }

    /// Forgets resumes that ended before `before` and pin nothing.
    pub async fn forget_resumes(&mut self, before: Timestamp) -> Result<()> {
        let text = "DELETE FROM resumes WHERE ended_at < $1 AND unpin_at IS NULL";
        self.execute(sql("forget resumes", text).bind(before)).await.map(|_| ())
    }
}
