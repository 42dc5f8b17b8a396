//! Who may change a live run.

use backstay_model::SourceId;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::error::{Result, ServiceError};

/// One at a time changes a run. Commands wait for each other; nobody waits for a restore, which takes as long as it takes.
#[derive(Debug, Default)]
pub(super) struct ControlLock {
    holder: Mutex<Option<Holder>>,
    freed: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Command,
    Restore,
}

/// Frees the lock when it is dropped.
#[derive(Debug)]
pub(super) struct Control<'l>(&'l ControlLock);

impl Drop for Control<'_> {
    fn drop(&mut self) {
        *self.0.holder.lock() = None;
        self.0.freed.notify_waiters();
    }
}

impl ControlLock {
    /// Takes it for a command.
    ///
    /// Errors: `Conflict` while a restore of `run` is in progress.
    pub(super) async fn command(&self, run: &SourceId) -> Result<Control<'_>> {
        self.take(run, Holder::Command).await
    }

    /// Takes it for a restore.
    ///
    /// Errors: `Conflict` while another restore of `run` is in progress.
    pub(super) async fn restore(&self, run: &SourceId) -> Result<Control<'_>> {
        self.take(run, Holder::Restore).await
    }

    async fn take(&self, run: &SourceId, wanted: Holder) -> Result<Control<'_>> {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Whoever frees it from here on wakes us.
            freed.as_mut().enable();
            {
                let mut holder = self.holder.lock();
                match *holder {
                    None => {
                        *holder = Some(wanted);
                        return Ok(Control(self));
                    }
                    Some(Holder::Restore) => {
                        let message = format!("A restore of run {run} is in progress");
                        return Err(ServiceError::conflict(message).code("restore_in_progress"));
                    }
                    Some(Holder::Command) => {}
                }
            }
            freed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn commands_wait_for_each_other_and_nobody_waits_for_a_restore() {
        let (lock, run) = (Arc::new(ControlLock::default()), SourceId::parse("src-1").unwrap());
        let first = lock.command(&run).await.unwrap();
        let waiting = {
            let (lock, run) = (Arc::clone(&lock), run.clone());
            tokio::spawn(async move { lock.restore(&run).await.map(drop) })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        waiting.await.unwrap().unwrap();

        let restore = lock.restore(&run).await.unwrap();
        for refused in [lock.command(&run).await, lock.restore(&run).await] {
            assert_eq!(refused.unwrap_err().message, "A restore of run src-1 is in progress");
        }
        drop(restore);
        lock.command(&run).await.unwrap();
    }
}
