//! The one connection that writes, and group commit.
//!
//! Every write is a member: a savepoint inside the open database transaction. When a member is finished and
//! others are waiting, it hands the still open transaction to the next one and waits; whoever finishes while nobody waits
//! commits for all. So a burst of writers shares one fsync, and no member is acknowledged before its bytes are
//! on disk. A member that fails is rolled back alone; if the commit fails, all members of the batch fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use crate::error::{CatalogError, Result};

/// How many members share a commit at most.
const MEMBERS_MAX: u32 = 256;

/// How a batch ended, shared by its members.
type Ending = Option<Result<(), Arc<CatalogError>>>;

/// The writer, shared by everybody who wants to write.
#[derive(Clone)]
pub(crate) struct Writer {
    state: Arc<Mutex<State>>,
    waiting: Arc<AtomicUsize>,
}

struct State {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    batch: Option<Batch>,
    /// A member was dropped in the middle and must be rolled back first.
    abandoned: bool,
}

/// The members that wait for the commit of the open transaction.
struct Batch {
    members: u32,
    ending: watch::Sender<Ending>,
}

/// Counts a waiting writer for as long as it waits, also when it gives up.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Writer {
    pub(crate) fn new(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let state = State { connection: Some(connection), options, batch: None, abandoned: false };
        Self { state: Arc::new(Mutex::new(state)), waiting: Arc::default() }
    }

    /// Takes the connection away, after finishing what is open.
    pub(crate) async fn take(&self) -> Option<SqliteConnection> {
        let mut state = self.state.lock().await;
        state.clean_up().await;
        state.end_batch().await.ok();
        state.connection.take()
    }

    /// Waits for the turn and opens a member.
    ///
    /// What changes the transaction runs in tasks of its own, so that it is never left half done by a caller that gives up.
    pub(crate) async fn begin(&self) -> Result<WriterGuard> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(Arc::clone(&self.waiting));
        let state = Arc::clone(&self.state).lock_owned().await;
        drop(waiting);
        let guard = WriterGuard { state: Some(state), writer: self.clone() };
        tokio::spawn(guard.open()).await.map_err(|_| CatalogError::GivenUp)?
    }

    /// Commits the open batch after the writers that wait now.
    fn close_later(&self) {
        let state = Arc::clone(&self.state);
        tokio::spawn(async move {
            let mut state = state.lock().await;
            state.clean_up().await;
            state.end_batch().await.ok();
        });
    }
}

impl State {
    async fn connected(&mut self) -> Result<&mut SqliteConnection> {
        if self.connection.is_none() {
            let opened = self.options.connect().await;
            self.connection =
                Some(opened.map_err(|error| CatalogError::from_driver("reopen the database", error))?);
        }
        Ok(self.connection.as_mut().expect("it was connected just now"))
    }

    async fn run(&mut self, text: &'static str) -> Result<()> {
        let done = self.connected().await?.execute(sqlx::raw_sql(text)).await;
        done.map(|_| ()).map_err(|error| CatalogError::from_driver("run a transaction", error))
    }

    /// Rolls back the member, and the transaction when it holds no other.
    async fn roll_back_member(&mut self) {
        let alone = self.batch.as_ref().is_none_or(|batch| batch.members == 0);
        let text = if alone { "ROLLBACK" } else { "ROLLBACK TO member; RELEASE member" };
        if let Err(error) = self.run(text).await {
            // SQLite gives up the whole transaction by itself when the disk is full or fails.
            if !alone {
                self.fail_batch(error).await;
            }
        }
        if alone {
            self.batch = None;
        }
        self.abandoned = false;
    }

    async fn clean_up(&mut self) {
        if self.abandoned {
            self.roll_back_member().await;
        }
    }

    /// Commits the transaction for all its members.
    async fn end_batch(&mut self) -> Result<(), Arc<CatalogError>> {
        let Some(batch) = self.batch.take() else { return Ok(()) };
        let ended = match self.run("COMMIT").await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.give_up().await;
                Err(Arc::new(error))
            }
        };
        batch.ending.send_replace(Some(ended.clone()));
        ended
    }

    async fn fail_batch(&mut self, error: CatalogError) {
        self.give_up().await;
        if let Some(batch) = self.batch.take() {
            batch.ending.send_replace(Some(Err(Arc::new(error))));
        }
    }

    /// Ends whatever transaction is open; a connection that cannot even do that is replaced.
    async fn give_up(&mut self) {
        if let Some(connection) = self.connection.as_mut() {
            let open = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            if let Err(sqlx::Error::WorkerCrashed | sqlx::Error::Io(_)) = open {
                self.connection = None;
            }
        }
    }
}

/// The turn of one member. Dropped without [`WriterGuard::commit`], the member has never been.
pub(crate) struct WriterGuard {
    state: Option<OwnedMutexGuard<State>>,
    writer: Writer,
}

impl WriterGuard {
    fn state(&mut self) -> &mut State {
        self.state.as_mut().expect("the state is there until the guard is consumed")
    }

    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection> {
        self.state().connection.as_mut().ok_or(CatalogError::GivenUp)
    }

    async fn open(mut self) -> Result<Self> {
        let state = self.state();
        state.clean_up().await;
        let text =
            if state.batch.is_some() { "SAVEPOINT member" } else { "BEGIN IMMEDIATE; SAVEPOINT member" };
        if let Err(error) = state.run(text).await {
            if state.batch.is_none() {
                state.give_up().await;
            }
            return Err(error);
        }
        if state.batch.is_none() {
            state.batch = Some(Batch { members: 0, ending: watch::Sender::new(None) });
        }
        state.abandoned = true;
        Ok(self)
    }

    /// Makes the member durable. On an error nothing of it remains. Goes on when the caller gives up.
    pub(crate) async fn commit(self) -> Result<()> {
        tokio::spawn(self.commit_now()).await.map_err(|_| CatalogError::GivenUp)?
    }

    async fn commit_now(mut self) -> Result<()> {
        self.state().run("RELEASE member").await?;
        let more = self.writer.waiting.load(Ordering::SeqCst) > 0;
        let mut state = self.state.take().expect("the state is there until the guard is consumed");
        state.abandoned = false;
        let batch = state.batch.as_mut().expect("a member belongs to a batch");
        batch.members += 1;
        if !more || batch.members >= MEMBERS_MAX {
            return state.end_batch().await.map_err(shared);
        }
        let mut ending = batch.ending.subscribe();
        if batch.members == 1 {
            self.writer.close_later();
        }
        drop(state);
        let ended = ending.wait_for(Option::is_some).await.map_err(|_| CatalogError::GivenUp)?.clone();
        ended.unwrap_or(Ok(())).map_err(shared)
    }

    /// Rolls the member back. Goes on when the caller gives up.
    pub(crate) async fn roll_back(mut self) {
        if let Some(mut state) = self.state.take() {
            let rolled_back = tokio::spawn(async move { state.roll_back_member().await });
            rolled_back.await.unwrap_or_else(|error| tracing::error!(%error, "a rollback did not end"));
        }
    }
}

impl Drop for WriterGuard {
    fn drop(&mut self) {
        if self.state.take().is_some() {
            // The next writer cleans up; so does this task when there is none.
            if tokio::runtime::Handle::try_current().is_ok() {
                self.writer.close_later();
            }
        }
    }
}

/// The error of the commit for one of its members.
fn shared(error: Arc<CatalogError>) -> CatalogError {
    match &*error {
        CatalogError::StorageFull { .. } => CatalogError::StorageFull { source: Box::new(Shared(error)) },
        CatalogError::Busy { .. } => CatalogError::Busy { source: Box::new(Shared(error)) },
        _ => CatalogError::Unavailable { source: Box::new(Shared(error)) },
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the commit failed")]
struct Shared(#[source] Arc<CatalogError>);
