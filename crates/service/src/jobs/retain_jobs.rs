//! Retention without anybody asking.

use backstay_catalog::JobRow;
use backstay_model::Caller;

use crate::error::Result;
use crate::service::Service;

/// How many jobs are read at once.
const TOGETHER: u32 = 500;
/// How many jobs one run looks at; the rest has its turn in the next.
const MOST_JOBS: u32 = 10_000;

impl Service {
    /// Removes what has outlived its own time or what the policy of its job no longer keeps, expires jobs that were idle
    /// for as long as their policy says, and removes those that expired long enough ago. Looks only at jobs that were
    /// saved to since the last time and at those whose time has come. For every minute.
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
                let is_bare = job.expired_at.is_none()
                    && self.effective_rules(&mut read, &job).await?.is_none()
                    && !read.has_expiring(job.number).await?;
                if is_bare { bare.push(job.number) } else { ruled.push(job) }
            }
            drop(read);
            if !bare.is_empty() {
                let mut tx = self.begin().await?;
                tx.set_jobs_due(&bare, None).await?;
                tx.commit().await?;
            }
            for job in ruled {
                self.retain_job(&job).await?;
            }
        }
        Ok(())
    }

    /// Looks at one job, in one transaction that also notes when to look next.
    async fn retain_job(&self, job: &JobRow) -> Result<()> {
        let caller = Caller { tenant: job.tenant.clone(), ..Caller::system("retention") };
        self.keyring().await?;
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
                let cleaning = self.clean(&mut tx, &caller, &job, &rules, None, false).await?;
                tx.set_jobs_due(&[job.number], cleaning.next_at).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
