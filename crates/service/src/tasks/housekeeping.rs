//! What has to be done from time to time, without anybody asking.

use backstay_model::Caller;

use super::payload::{Payload, Work};
use crate::error::Result;
use crate::page::PageRequest;
use crate::service::Service;
use crate::sources::rules_of;
use crate::view::{VerifyDepth, VerifyScope};

/// For how long finished tasks and deliveries are remembered, in seconds.
const REMEMBER_S: i64 = 30 * 86_400;

/// How many percent of the data one scheduled verification reads.
const SAMPLE_PERCENT: u8 = 5;

const DAY_S: i64 = 86_400;

impl Service {
    /// Forgets what has expired (sessions, login links, plans, failed logins, old tasks and deliveries), releases holds that have
    /// ended, ends resumes that nobody ended, retains jobs, removes contents of jobs from the repository whose rows are gone, and closes captures
    /// whose process is gone. Cheap; for every minute.
    pub async fn tidy(&self) -> Result<()> {
        let now = self.now();
        let mut tx = self.begin().await?;
        tx.forget_expired(now).await?;
        tx.forget_login_attempts(now.plus_seconds(-self.settings().login_window_seconds)).await?;
        tx.forget_tasks(now.plus_seconds(-REMEMBER_S)).await?;
        tx.forget_deliveries(now.plus_seconds(-REMEMBER_S)).await?;
        tx.commit().await?;
        self.release_ended_holds().await?;
        self.end_resumes().await?;
        self.retain_jobs().await?;
        self.remove_dropped_contents().await?;
        self.close_dead_captures(&Caller::system("recovery"), None).await?;
        Ok(())
    }

    /// Queues what is due once a day: the retention of every source that has rules, a verification of a sample, a collection. Each
    /// is queued once a day whatever the number of servers that ask.
    pub async fn queue_daily_work(&self) -> Result<u32> {
        let caller = Caller::system("schedule");
        let day = self.now().as_seconds().div_euclid(DAY_S);
        let mut queued = 0;
        let mut page = PageRequest::first(1000);
        loop {
            let mut read = self.read().await?;
            let found =
                read.list_sources(&backstay_catalog::SourceFilter::default(), &page.paging()?).await?;
            drop(read);
            for source in found.items {
                if rules_of(&source)?.is_some() {
                    let work = Work::Prune { source: source.id.clone() };
                    let payload = self.payload(source.id.to_string(), &caller, work);
                    let key = format!("schedule/prune/{}/{day}", source.id);
                    queued += self.queue_once(Some(&source), &payload, key).await?;
                }
            }
            match found.next {
                Some(next) => page.cursor = Some(next),
                None => break,
            }
        }
        let daily = [
            Work::Verify {
                scope: VerifyScope::All,
                depth: VerifyDepth::Sample(SAMPLE_PERCENT),
                restore_test: false,
            },
            Work::Collect,
        ];
        for work in daily {
            let key = format!("schedule/{}/{day}", work.kind());
            let payload = self.payload("repository".to_owned(), &caller, work);
            queued += self.queue_once(None, &payload, key).await?;
        }
        Ok(queued)
    }

    async fn queue_once(
        &self,
        source: Option<&backstay_catalog::SourceRow>,
        payload: &Payload,
        key: String,
    ) -> Result<u32> {
        let id = backstay_model::TaskId::generate(self.now(), &**self.rng());
        let task = self.new_task(id, source, payload, Some(key));
        let mut tx = self.begin().await?;
        match tx.enqueue(&task).await? {
            backstay_catalog::Enqueued::Existing(_) => {
                tx.roll_back().await;
                Ok(0)
            }
            backstay_catalog::Enqueued::New(_) => {
                tx.commit().await?;
                Ok(1)
            }
        }
    }

    /// How long until the next webhook delivery is due, in seconds; `None` when there is none.
    pub async fn next_delivery_in(&self) -> Result<Option<f64>> {
        let next = self.read().await?.next_delivery_at().await?;
        Ok(next.map(|at| at.seconds_since(self.now()).max(0.0)))
    }
}

/// A scheduled task must not be repeated by a restart within the same day, so its key stays for as long as tasks are remembered.
const _: () = assert!(REMEMBER_S > DAY_S);
