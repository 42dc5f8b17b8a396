//! Jobs: what checkpoints belong to.

use backstay_model::{TenantId, Timestamp};
use serde_json::Value as Json;

use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, any_of, batches, rows, sql};
use crate::transaction::Tx;

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its number in this catalog.
    pub number: i64,
    /// The hash of tenant, project and name.
    pub key: Vec<u8>,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// The project.
    pub project: String,
    /// The name, as the client gave it.
    pub name: String,
    /// How often a resume was confirmed.
    pub epoch: u64,
    /// The lowest sequence that a checkpoint may have.
    pub first_sequence: u64,
    /// The highest sequence given.
    pub last_sequence: u64,
    /// The number of the newest checkpoint.
    pub newest: Option<i64>,
    /// Its public id.
    pub newest_id: Option<String>,
    /// How many checkpoints are listed.
    pub checkpoints: u64,
    /// Its own retention policy.
    pub retention: Option<Json>,
    /// When retention must look at it next.
    pub retain_at: Option<Timestamp>,
    /// Since when it is expired, and not seen any more.
    pub expired_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last saved to.
    pub updated_at: Timestamp,
}

/// A job that is made by its first save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The hash of tenant, project and name.
    pub key: Vec<u8>,
    /// To which tenant it belongs.
    pub tenant: TenantId,
    /// The project.
    pub project: String,
    /// The name.
    pub name: String,
    /// When.
    pub created_at: Timestamp,
}

/// What saves and deletions change of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProgress {
    /// The job.
    pub number: i64,
    /// The lowest sequence that a checkpoint may have.
    pub first_sequence: u64,
    /// The highest sequence given.
    pub last_sequence: u64,
    /// The number of the newest checkpoint.
    pub newest: Option<i64>,
    /// Its public id.
    pub newest_id: Option<String>,
    /// How many checkpoints are listed.
    pub checkpoints: u64,
    /// Since when it is expired.
    pub expired_at: Option<Timestamp>,
    /// When it was last saved to. Retention looks at it as soon as it can.
    pub updated_at: Timestamp,
}

pub(crate) const COLUMNS: &str = "jobs.number, jobs.key, jobs.tenant_id, jobs.project, jobs.name, jobs.epoch, \
     jobs.first_sequence, jobs.last_sequence, jobs.newest, jobs.newest_id, jobs.checkpoints, jobs.retention, jobs.retain_at, jobs.expired_at, \
     jobs.created_at, jobs.updated_at";

impl Record for JobRow {
    const TABLE: &'static str = "jobs";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            number: fields.int()?,
            key: fields.bytes()?,
            tenant: fields.parsed()?,
            project: fields.text()?,
            name: fields.text()?,
            epoch: fields.count()?,
            first_sequence: fields.count()?,
            last_sequence: fields.count()?,
            newest: fields.optional_int()?,
            newest_id: fields.optional_text()?,
            checkpoints: fields.count()?,
            retention: fields.optional_json()?,
            retain_at: fields.optional_time()?,
            expired_at: fields.optional_time()?,
            created_at: fields.time()?,
            updated_at: fields.time()?,
        })
    }
}

impl JobRow {
    /// What of it saves and deletions change.
    pub fn progress(&self) -> JobProgress {
        JobProgress {
            number: self.number,
            first_sequence: self.first_sequence,
            last_sequence: self.last_sequence,
            newest: self.newest,
            newest_id: self.newest_id.clone(),
            checkpoints: self.checkpoints,
            expired_at: self.expired_at,
            updated_at: self.updated_at,
        }
    }
}

impl Session {
    /// Those of the jobs with these keys that exist.
    pub async fn jobs_by_key(&mut self, keys: &[Vec<u8>]) -> Result<Vec<JobRow>> {
        let mut found = Vec::with_capacity(keys.len());
        for batch in keys.chunks(64) {
            let statement = sql("read jobs", format!("SELECT {COLUMNS} FROM jobs WHERE key"));
            found.extend(self.all(any_of(statement, batch)).await?);
        }
        Ok(found)
    }

    /// The jobs with these numbers.
    pub async fn jobs_by_number(&mut self, numbers: &[i64]) -> Result<Vec<JobRow>> {
        let mut found = Vec::with_capacity(numbers.len());
        for batch in numbers.chunks(64) {
            let statement = sql("read jobs", format!("SELECT {COLUMNS} FROM jobs WHERE number"));
            found.extend(self.all(any_of(statement, batch)).await?);
        }
        Ok(found)
    }

    /// The jobs of a project that are not expired, with numbers above `after`, in their order; at most `limit`.
    pub async fn jobs_of_project(
        &mut self,
        tenant: &TenantId,
        project: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<JobRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM jobs WHERE tenant_id = $1 AND project = $2 AND number > $3 AND expired_at IS NULL
             ORDER BY number LIMIT $4"
        );
        self.all(sql("list jobs", text).bind(tenant).bind(project).bind(after).bind(limit)).await
    }

    /// How many jobs a project has that are not expired.
    pub async fn job_count(&mut self, tenant: &TenantId, project: &str) -> Result<u64> {
        let text = "SELECT count(*) FROM jobs WHERE tenant_id = $1 AND project = $2 AND expired_at IS NULL";
        let count = self.number(sql("count jobs", text).bind(tenant).bind(project)).await?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// The jobs at which retention must look, those that wait longest first; at most `limit`.
    pub async fn jobs_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<JobRow>> {
        let text =
            format!("SELECT {COLUMNS} FROM jobs WHERE retain_at <= $1 ORDER BY retain_at, number LIMIT $2");
        self.all(sql("find due jobs", text).bind(now).bind(limit)).await
    }

    /// The retention policy of a project.
    pub async fn project_retention(&mut self, tenant: &TenantId, project: &str) -> Result<Option<Json>> {
        let text = "SELECT retention FROM job_projects WHERE tenant_id = $1 AND project = $2";
        let rows = self.raw(sql("read a project", text).bind(tenant).bind(project)).await?;
        rows.first().map_or(Ok(None), |row| Fields::new("job_projects", row).optional_json())
    }
}

impl Tx {
    /// Makes jobs; one that exists already stays as it is. Returns the rows of all of them.
    pub async fn ensure_jobs(&mut self, jobs: &[NewJob]) -> Result<Vec<JobRow>> {
        for batch in batches(jobs) {
            let text = format!(
                "INSERT INTO jobs (key, tenant_id, project, name, epoch, first_sequence, last_sequence, checkpoints,
                     created_at, updated_at) VALUES {} ON CONFLICT (key) DO NOTHING",
                rows(10, batch.len())
            );
            let mut statement = sql("make jobs", text);
            for job in batch {
                statement = statement
                    .bind(&job.key[..])
                    .bind(&job.tenant)
                    .bind(&job.project)
                    .bind(&job.name)
                    .bind(0_u64)
                    .bind(1_u64)
                    .bind(0_u64)
                    .bind(0_u64)
                    .bind(job.created_at)
                    .bind(job.created_at);
            }
            self.execute(statement).await?;
        }
        let keys: Vec<Vec<u8>> = jobs.iter().map(|job| job.key.clone()).collect();
        self.jobs_by_key(&keys).await
    }

    /// Notes how far jobs have come.
    pub async fn move_jobs(&mut self, progress: &[JobProgress]) -> Result<()> {
        for batch in batches(progress) {
            let places = rows(8, batch.len()).replacen("($1, $2, $3, $4, $5, $6, $7, $8)", CAST, 1);
            let text = format!(
                "WITH moved (number, first_sequence, last_sequence, newest, newest_id, checkpoints, expired_at, updated_at)
                     AS (VALUES {places})
                 UPDATE jobs SET first_sequence = moved.first_sequence, last_sequence = moved.last_sequence,
                     newest = moved.newest, newest_id = moved.newest_id, checkpoints = moved.checkpoints,
                     expired_at = moved.expired_at, updated_at = moved.updated_at,
                     retain_at = CASE WHEN retain_at < moved.updated_at THEN retain_at ELSE moved.updated_at END
                 FROM moved WHERE jobs.number = moved.number"
            );
            let mut statement = sql("move jobs", text);
            for job in batch {
                statement = statement
                    .bind(job.number)
                    .bind(job.first_sequence)
                    .bind(job.last_sequence)
                    .bind(job.newest)
                    .bind(&job.newest_id)
                    .bind(job.checkpoints)
                    .bind(job.expired_at)
                    .bind(job.updated_at);
            }
            self.execute_later(statement).await?;
        }
        Ok(())
    }

    /// Removes jobs that were made in this transaction and to which nothing was saved.
    pub async fn forget_empty_jobs(&mut self, numbers: &[i64]) -> Result<()> {
        for batch in numbers.chunks(256) {
            let statement = sql("forget empty jobs", "DELETE FROM jobs WHERE last_sequence = 0 AND number");
            self.execute(any_of(statement, batch)).await?;
        }
        Ok(())
    }

    /// Says when retention must look at jobs next; `None` for not before the next save.
    pub async fn set_jobs_due(&mut self, numbers: &[i64], at: Option<Timestamp>) -> Result<()> {
        for batch in numbers.chunks(256) {
            let statement =
                sql("note when jobs are due", "UPDATE jobs SET retain_at = $1 WHERE number").bind(at);
            self.execute(any_of(statement, batch)).await?;
        }
        Ok(())
    }

    /// Says that retention must look at every job of a project.
    pub async fn set_project_due(&mut self, tenant: &TenantId, project: &str, at: Timestamp) -> Result<()> {
        let text = "UPDATE jobs SET retain_at = $3
                    WHERE tenant_id = $1 AND project = $2 AND expired_at IS NULL AND (retain_at IS NULL OR retain_at > $3)";
        self.execute(sql("note when jobs are due", text).bind(tenant).bind(project).bind(at))
            .await
            .map(|_| ())
    }

    /// Expires a job, which then goes at `retain_at`, or brings it back.
    pub async fn set_job_expired(
        &mut self,
        number: i64,
        expired_at: Option<Timestamp>,
        retain_at: Option<Timestamp>,
    ) -> Result<()> {
        let text = "UPDATE jobs SET expired_at = $2, retain_at = $3 WHERE number = $1";
        self.execute(sql("expire a job", text).bind(number).bind(expired_at).bind(retain_at))
            .await
            .map(|_| ())
    }

    /// Sets or clears the retention policy of a job.
    pub async fn set_job_retention(&mut self, number: i64, retention: Option<&Json>) -> Result<()> {
        let text = "UPDATE jobs SET retention = $2 WHERE number = $1";
        let retention = retention.map(Json::to_string);
        self.execute(sql("change a job", text).bind(number).bind(retention)).await.map(|_| ())
    }

    /// Sets or clears the retention policy of a project.
    pub async fn set_project_retention(
        &mut self,
        tenant: &TenantId,
        project: &str,
        retention: Option<&Json>,
    ) -> Result<()> {
        let text = "INSERT INTO job_projects (tenant_id, project, retention) VALUES ($1, $2, $3)
                    ON CONFLICT (tenant_id, project) DO UPDATE SET retention = excluded.retention";
        let retention = retention.map(Json::to_string);
        self.execute(sql("change a project", text).bind(tenant).bind(project).bind(retention))
            .await
            .map(|_| ())
    }
}

/// PostgreSQL takes the types of a list of values from its first row.
const CAST: &str = "(CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), \
     CAST($5 AS TEXT), CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($8 AS BIGINT))";
