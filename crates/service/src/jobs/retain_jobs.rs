//! Retention without anybody asking.

use std::collections::HashMap;

use backstay_catalog::{JobRow, Session};
use backstay_model::Caller;

use crate::checkpoints::Given;
use crate::error::{Result, ServiceError};
use crate::service::Service;

/// How many jobs are read at once.
const TOGETHER: u32 = 500;
/// How many jobs one run looks at; the rest has its turn in the next.
const MOST_JOBS: u32 = 10_000;
/// When to look again at a job that could not be looked at, in seconds.
const FAILED_S: i64 = 3600;

impl Service {
    /// Removes what has outlived its own time or what the policy of its job no longer keeps, expires jobs that were idle
    /// for as long as their policy says, and removes those that expired long enough ago. Looks only at jobs that were
    /// saved to since the last time and at those whose time has come. A job at which it cannot look holds up no other. For every
    /// minute.
    pub async fn retain_jobs(&self) -> Result<()> {
        let mut looked_at = 0;
        while looked_at < MOST_JOBS {
            let now = self.now();
            let due = self.read().await?.jobs_due(now, TOGETHER).await?;
            if due.is_empty() {
                return Ok(());
            }
            looked_at += TOGETHER;
            let mut read = self.read().await?;
            let (mut bare, mut ruled) = (Vec::new(), Vec::new());
            for job in due {
                match self.is_bare(&mut read, &job).await {
                    Ok(true) => bare.push(job.number),
                    Ok(false) => ruled.push(job),
                    Err(error) => self.put_off(&job, error).await?,
                }
            }
            drop(read);
            if !bare.is_empty() {
                let mut tx = self.begin().await?;
                tx.set_jobs_due(&bare, None).await?;
                tx.commit().await?;
            }
            for job in ruled {
                if let Err(error) = self.retain_job(&job).await {
                    self.put_off(&job, error).await?;
                }
            }
        }
        Ok(())
    }

    /// Whether nothing of a job can go.
    async fn is_bare(&self, read: &mut Session, job: &JobRow) -> Result<bool> {
        Ok(job.expired_at.is_none()
            && self.effective_rules(read, job).await?.is_none()
            && !read.has_expiring(job.number).await?)
    }

    /// Looks at a job again later when something is wrong with it alone; otherwise the error is returned.
    async fn put_off(&self, job: &JobRow, error: ServiceError) -> Result<()> {
        if error.kind.traits().retry {
            return Err(error);
        }
        tracing::warn!(job.number, %error, "retention cannot look at a job");
        let mut tx = self.begin().await?;
        tx.set_jobs_due(&[job.number], Some(self.now().plus_seconds(FAILED_S))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Looks at one job, in one transaction that also notes when to look next.
    async fn retain_job(&self, job: &JobRow) -> Result<()> {
        let caller = Caller { tenant: job.tenant.clone(), ..Caller::system("retention") };
        self.keyring().await?;
        let read = if job.expired_at.is_none() {
            self.read_large_of(&mut self.read().await?, job).await?
        } else {
            HashMap::new()
        };
        let mut tx = self.begin().await?;
        let now = self.now();
        let found = tx.jobs_by_number(&[job.number]).await?.pop();
        let Some(job) = found.filter(|job| job.retain_at.is_some_and(|at| at <= now)) else {
            // Another server was here.
            return Ok(());
        };
        if job.expired_at.is_some() {
            self.remove_expired(&mut tx, &caller, &job).await?;
        } else {
            let rules = self.effective_rules(&mut tx, &job).await?;
            let rules = rules.map(|(rules, _)| rules).unwrap_or_default();
            if !self.expire_idle(&mut tx, &caller, &job, &rules).await? {
                let given = Given { read, shown: None };
                let cleaning = self.clean(&mut tx, &caller, &job, &rules, &given, false).await?;
                tx.set_jobs_due(&[job.number], cleaning.next_at).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
