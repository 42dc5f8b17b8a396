//! One unit of work: changes, their events and the webhooks to send, all or nothing.

use std::ops::{Deref, DerefMut};

use backstay_model::{Event, EventDraft};

use crate::catalog::{Backend, Catalog};
use crate::error::{CatalogError, Result};
use crate::session::Session;
use crate::sql::{Connection, Held};

/// A transaction. Dropped without [`Tx::commit`], nothing of it has happened.
///
/// It is a [`Session`], so it reads too and sees its own changes. Once a statement has failed with an error of the database
/// (for example [`CatalogError::Duplicate`]) the transaction is given up: every later call and the commit return
/// [`CatalogError::GivenUp`]. [`CatalogError::Conflict`] and [`CatalogError::NotFound`] do not give it up.
pub struct Tx {
    catalog: Catalog,
    session: Option<Session>,
    drafts: Vec<EventDraft>,
}

/// What a commit wrote.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// The events, in order, with their numbers.
    pub events: Vec<Event>,
}

impl Deref for Tx {
    type Target = Session;
    fn deref(&self) -> &Session {
        self.session.as_ref().expect("the session is there until the transaction is consumed")
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("the session is there until the transaction is consumed")
    }
}

impl Tx {
    pub(crate) async fn begin(catalog: &Catalog) -> Result<Self> {
        let connection = match &catalog.inner.backend {
            Backend::Sqlite(database) => Connection::Sqlite(Held::Writer(database.writer.begin().await?)),
            Backend::Postgres(pool) => {
                let connection = pool
                    .acquire()
                    .await
                    .map_err(|error| CatalogError::from_driver("get a connection", error))?;
                Connection::begin_postgres(connection).await?
            }
        };
        let session = Session { in_transaction: true, ..Session::new(connection) };
        Ok(Self { catalog: catalog.clone(), session: Some(session), drafts: Vec::new() })
    }

    /// Notes an event, to be appended by the commit.
    pub fn record(&mut self, draft: EventDraft) {
        self.drafts.push(draft);
    }

    /// Appends the noted events, queues their webhook deliveries and makes everything durable.
    ///
    /// When it returns an error, nothing has happened; except that after [`CatalogError::Unavailable`] the connection may have
    /// been lost while the database was committing.
    pub async fn commit(mut self) -> Result<Committed> {
        if self.failed {
            self.roll_back().await;
            return Err(CatalogError::GivenUp);
        }
        let drafts = std::mem::take(&mut self.drafts);
        let events = if drafts.is_empty() { Vec::new() } else { self.append_events(drafts).await? };
        self.run_deferred().await?;
        let session = self.session.take().expect("the session is there until the transaction is consumed");
        match session.connection {
            Connection::Sqlite(Held::Writer(guard)) => guard.commit().await?,
            connection => connection.end_postgres("COMMIT").await?,
        }
        if let Some(last) = events.last() {
            self.catalog.announce(last.seq);
        }
        Ok(Committed { events })
    }

    /// Undoes everything.
    pub async fn roll_back(mut self) {
        let Some(session) = self.session.take() else { return };
        match session.connection {
            Connection::Sqlite(Held::Writer(guard)) => guard.roll_back().await,
            connection => {
                if let Err(error) = connection.end_postgres("ROLLBACK").await {
                    tracing::debug!(%error, "a transaction ended with its connection");
                }
            }
        }
    }
}
