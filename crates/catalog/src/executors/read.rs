//! Reading executors and resumes.

use backstay_model::{TenantId, Timestamp};

use super::row::{EXECUTOR, ExecutorRow, RESUME, ResumeRow};
use crate::error::Result;
use crate::session::Session;
use crate::sql::sql;

impl Session {
    /// The executor with this number.
    pub async fn executor(&mut self, number: i64) -> Result<Option<ExecutorRow>> {
        let text = format!("SELECT {EXECUTOR} FROM executors WHERE number = $1");
        self.one(sql("read an executor", text).bind(number)).await
    }

    /// The executors of a project by name.
    pub async fn executors(&mut self, tenant: &TenantId, project: &str) -> Result<Vec<ExecutorRow>> {
        let text =
            format!("SELECT {EXECUTOR} FROM executors WHERE tenant_id = $1 AND project = $2 ORDER BY name");
        self.all(sql("list executors", text).bind(tenant).bind(project)).await
    }

    /// The number of the executor that a job names.
    pub async fn executor_of_job(&mut self, job: i64) -> Result<Option<i64>> {
        let text = "SELECT executor FROM jobs WHERE number = $1";
        self.number(sql("read the executor of a job", text).bind(job)).await
    }

    /// The resume with this number.
    pub async fn resume(&mut self, number: i64) -> Result<Option<ResumeRow>> {
        let text = format!("SELECT {RESUME} FROM resumes WHERE number = $1");
        self.one(sql("read a resume", text).bind(number)).await
    }

    /// The resumes of a job that nobody has ended, oldest first.
    pub async fn open_resumes(&mut self, job: i64) -> Result<Vec<ResumeRow>> {
        let text =
            format!("SELECT {RESUME} FROM resumes WHERE job = $1 AND ended_at IS NULL ORDER BY number");
        self.all(sql("read open resumes", text).bind(job)).await
    }

    /// The number of the newest resume of a job.
    pub async fn newest_resume(&mut self, job: i64) -> Result<Option<i64>> {
        let text = "SELECT number FROM resumes WHERE job = $1 ORDER BY number DESC LIMIT 1";
        self.number(sql("find a resume", text).bind(job)).await
    }

    /// The oldest open resume for an executor whose message may be given out at `now`.
    pub async fn resume_to_deliver(&mut self, executor: i64, now: Timestamp) -> Result<Option<ResumeRow>> {
        let text = format!(
            "SELECT {RESUME} FROM resumes WHERE executor = $1 AND ended_at IS NULL AND ends_at > $2
                AND (leased_until IS NULL OR leased_until <= $2)
             ORDER BY number LIMIT 1"
        );
        self.one(sql("find a resume", text).bind(executor).bind(now)).await
    }

    /// Resumes that nobody ended in time; at most `limit`.
    pub async fn overdue_resumes(&mut self, now: Timestamp, limit: u32) -> Result<Vec<ResumeRow>> {
        let text = format!(
            "SELECT {RESUME} FROM resumes WHERE ended_at IS NULL AND ends_at <= $1 ORDER BY ends_at LIMIT $2"
        );
        self.all(sql("find overdue resumes", text).bind(now).bind(limit)).await
    }

    /// Resumes whose pin of a safety checkpoint has ended; at most `limit`.
    pub async fn pins_over(&mut self, now: Timestamp, limit: u32) -> Result<Vec<ResumeRow>> {
        let text = format!("SELECT {RESUME} FROM resumes WHERE unpin_at <= $1 ORDER BY unpin_at LIMIT $2");
        self.all(sql("find pins that end", text).bind(now).bind(limit)).await
    }
}
