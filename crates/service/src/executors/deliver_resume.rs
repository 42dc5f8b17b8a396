//! Telling an executor, and what it says.

use std::time::Duration;

use backstay_source_job::execution::Reply;
use tokio::time::Instant;

use super::message::Message;
use super::opened::OpenedExecutor;
use crate::error::Result;
use crate::service::Service;
use crate::webhooks::Sender;

/// The longest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// How long it is waited before an executor that could not be reached is called again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// What came of telling an executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It goes on.
    Accepted,
    /// It said no.
    Refused(String),
    /// It did not answer, or not so that one could understand it.
    Failed(String),
    /// Nothing is known: it may confirm by itself.
    Nothing,
}

impl Service {
    /// Calls an executor. One that cannot be reached is called again, with the same id, as long as there is time.
    pub(super) async fn call_executor(
        &self,
        executor: &OpenedExecutor,
        url: &str,
        message: &Message,
    ) -> Result<Told> {
        let end = Instant::now() + Duration::from_secs(executor.row.timeout_s.into());
        let secret = &executor.record.secret;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let sender = Sender::within(self.settings(), left)?;
            let (id, body) = (&message.id, message.body.clone());
            let failed = match sender.ask(url, secret, id, self.now(), body, MAX_ANSWER_BYTES).await {
                Ok(body) => {
                    return Ok(match Reply::read(&body) {
                        Reply::Accepted(_) => Told::Accepted,
                        Reply::Refused(reason) => Told::Refused(reason),
                    });
                }
                Err(failed) => failed,
            };
            if !failed.again || Instant::now() + AGAIN_AFTER >= end {
                return Ok(Told::Failed(failed.reason));
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Waits until an executor that polls has ended the resume with this number, as long as it may take.
    pub(super) async fn wait_for_confirmation(&self, number: i64, timeout: Duration) -> Result<Told> {
        let end = Instant::now() + timeout;
        let mut watch = self.catalog().subscribe().await?;
        loop {
            let row = self.read().await?.resume(number).await?;
            if row.is_none_or(|row| row.ended_at.is_some()) {
                return Ok(Told::Nothing);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Told::Failed("the executor did not answer in time".to_owned()));
            }
            if let Ok(woken) = tokio::time::timeout(left, watch.changed()).await {
                woken?;
            }
        }
    }
}
