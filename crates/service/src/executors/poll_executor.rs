//! Handing out messages to an executor that asks for them.

use std::time::Duration;

use backstay_catalog::ResumeRow;
use backstay_model::{Action, Caller};
use tokio::time::Instant;

use super::message::resume_message;
use super::opened::OpenedExecutor;
use crate::error::{Result, ServiceError};
use crate::service::Service;
use crate::view::SignedMessage;
use crate::webhooks::sign;

/// For how long a message is not given out again, in seconds: until then who took it should have answered.
const LEASE_S: i64 = 10;

/// After how long it is looked for a message again.
const LOOK_AFTER: Duration = Duration::from_secs(1);

impl Service {
    /// The next message for an executor that asks, signed like a webhook; waits for one at most `timeout`.
    ///
    /// A message that nobody answers with [`Service::confirm_resume`] is given out again, with the same id.
    pub async fn poll_executor(
        &self,
        caller: &Caller,
        id: &str,
        timeout: Duration,
    ) -> Result<Option<SignedMessage>> {
        let row = self.permitted_executor(caller, id, Action::Resume).await?;
        if !row.pull {
            return Err(ServiceError::conflict(format!("Executor {} is called, it does not ask", row.name))
                .code("not_pull")
                .hint("register one with `mode: \"pull\"`"));
        }
        let executor = self.open_executor(row).await?;
        let end = Instant::now() + timeout;
        let mut watch = self.catalog().subscribe().await?;
        loop {
            if let Some(message) = self.next_message(&executor).await? {
                return Ok(Some(message));
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            // That a message may be given out again wakes nobody.
            if let Ok(woken) = tokio::time::timeout(left.min(LOOK_AFTER), watch.changed()).await {
                woken?;
            }
        }
    }

    async fn next_message(&self, executor: &OpenedExecutor) -> Result<Option<SignedMessage>> {
        let now = self.now();
        let number = executor.row.number;
        if self.read().await?.resume_to_deliver(number, now).await?.is_none() {
            return Ok(None);
        }
        let mut tx = self.begin().await?;
        // Of several that ask at once, one gets it.
        let Some(row) = tx.resume_to_deliver(number, now).await? else { return Ok(None) };
        tx.lease_resume(row.number, now.plus_seconds(LEASE_S)).await?;
        tx.commit().await?;
        self.message_of(executor, row).await
    }

    /// The signed message of a resume; `None` when what it was about is gone or damaged: then it ends by its time.
    async fn message_of(&self, executor: &OpenedExecutor, row: ResumeRow) -> Result<Option<SignedMessage>> {
        let job = self.read().await?.jobs_by_number(&[row.job]).await?.pop();
        let Some(job) = job else { return Ok(None) };
        let record = self.resume_record(&row, &job).await?;
        let system = Caller { tenant: job.tenant.clone(), ..Caller::system("resume") };
        let seen = self.seen_checkpoint(&system, &record.checkpoint_id, Action::View).await;
        let Ok(seen) = seen else { return Ok(None) };
        let head = seen.found.checkpoint.head.clone();
        let Ok(checkpoint) = self.checkpoint_state(seen, &record.checkpoint_id).await else {
            return Ok(None);
        };
        let (now, key) = (self.now(), head.namespace.zip(head.name));
        let message = resume_message(&row, &record, &job, &checkpoint, key, now)?;
        let timestamp = now.as_seconds();
        let signature = sign(&executor.record.secret, &message.id, timestamp, &message.body);
        Ok(Some(SignedMessage { id: message.id, timestamp, signature, body: message.body }))
    }
}
