//! Being woken when events are committed, by this process or another.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;

use crate::catalog::{Backend, Catalog, Inner};
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
        let start = async || {
            tokio::spawn(listen_on(pool.clone(), Arc::downgrade(&self.inner)));
        };
        self.inner.listening.get_or_init(start).await;
    }
}

/// Listens until the catalog is closed; a lost connection is made again. Meanwhile watchers look for themselves.
async fn listen_on(pool: PgPool, catalog: Weak<Inner>) {
    while catalog.strong_count() > 0 && !pool.is_closed() {
        if let Err(error) = announce_notifications(&pool, &catalog).await {
            tracing::debug!(%error, "events of other servers arrive late until the database can be listened to again");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Announces what is heard; returns when the catalog is gone, or with the error by which the connection ended.
async fn announce_notifications(pool: &PgPool, catalog: &Weak<Inner>) -> Result<(), sqlx::Error> {
    let schema: String = sqlx::query_scalar("SELECT current_schema()").fetch_one(pool).await?;
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(&format!("backstay_events_{schema}")).await?;
    loop {
        let notification = listener.recv().await?;
        let Some(inner) = catalog.upgrade() else { return Ok(()) };
        if let Ok(seq) = notification.payload().parse() {
            Catalog { inner }.announce(seq);
        }
    }
}
