//! Being woken when events are committed, by this process or another.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::catalog::{Backend, Catalog};
use crate::error::Result;

/// How long a watcher waits before it looks at the log itself. Wakes from this process, and from PostgreSQL, come at once.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Wakes when there are new events. It carries no events: read them with
/// [`Session::events_after`](crate::Session::events_after), so that a slow reader misses nothing.
#[derive(Debug)]
pub struct EventWatch {
    catalog: Catalog,
    newest: watch::Receiver<u64>,
    seen: u64,
}

impl EventWatch {
    /// Waits until there is an event with a number above `seen`; returns the newest number known.
    pub async fn wait_beyond(&mut self, seen: u64) -> Result<u64> {
        self.seen = self.seen.max(seen);
        loop {
            let newest = *self.newest.borrow_and_update();
            if newest > seen {
                return Ok(newest);
            }
            if tokio::time::timeout(LOOK_EVERY, self.newest.changed()).await.is_err() {
                let head = self.catalog.read().await?.event_head().await?.0;
                self.catalog.announce(head);
            }
        }
    }

    /// Waits for events that this watch has not told of before; returns the newest number known.
    pub async fn changed(&mut self) -> Result<u64> {
        let newest = self.wait_beyond(self.seen).await?;
        self.seen = newest;
        Ok(newest)
    }
}

impl Catalog {
    /// Watches for events from now on.
    pub async fn subscribe(&self) -> Result<EventWatch> {
        let head = self.read().await?.event_head().await?.0;
        self.announce(head);
        self.listen().await;
        Ok(EventWatch { catalog: self.clone(), newest: self.inner.newest_event.subscribe(), seen: head })
    }

    /// Tells the watchers of this process that the event `seq` is committed.
    pub(crate) fn announce(&self, seq: u64) {
        self.inner.newest_event.send_if_modified(|newest| {
            let news = seq > *newest;
            *newest = seq.max(*newest);
            news
        });
    }

    /// Starts, once, to listen for the events of other servers.
    async fn listen(&self) {
        let Backend::Postgres(pool) = &self.inner.backend else { return };
        self.inner
            .listening
            .get_or_init(|| async {
                let listener = PgListener::connect_with(pool).await;
                let mut listener = match listener {
                    Ok(listener) => listener,
                    Err(error) => {
                        tracing::warn!(%error, "events of other servers arrive late, because listening failed");
                        return;
                    }
                };
                let listening = match sqlx::query_scalar::<_, String>("SELECT current_schema()").fetch_one(pool).await {
                    Ok(schema) => listener.listen(&format!("backstay_events_{schema}")).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = listening {
                    tracing::warn!(%error, "events of other servers arrive late, because listening failed");
                    return;
                }
                let weak = std::sync::Arc::downgrade(&self.inner);
                tokio::spawn(async move {
                    while let Ok(notification) = listener.recv().await {
                        let Some(inner) = weak.upgrade() else { return };
                        if let Ok(seq) = notification.payload().parse() {
                            Catalog { inner }.announce(seq);
                        }
                    }
                });
            })
            .await;
    }
}
