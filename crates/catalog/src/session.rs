//! A connection on which queries run.

use crate::error::{CatalogError, Result};
use crate::sql::{Condition, Connection, Fields, RawRow, Record, Statement};

/// How many values statements that run together have at most: SQLite keeps prepared ones by their text, and many sizes of many
/// would be prepared anew each time.
const DEFERRED_VALUES: usize = 128;

/// A connection for as long as it is needed. Every read of the catalog is a method of it.
///
/// A session from [`Catalog::read`](crate::Catalog::read) sees what is committed; the one inside a
/// [`Tx`](crate::Tx) sees the transaction's own changes too.
pub struct Session {
    pub(crate) connection: Connection,
    pub(crate) in_transaction: bool,
    /// A statement failed, so that nothing of the transaction may be kept.
    pub(crate) failed: bool,
    /// Statements that run together with the next one.
    pub(crate) deferred: Vec<Statement>,
    /// Every statement that ran, for tests that look at their plans.
    #[cfg(test)]
    pub(crate) trace: Vec<Statement>,
}

impl Session {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            in_transaction: false,
            failed: false,
            deferred: Vec::new(),
            #[cfg(test)]
            trace: Vec::new(),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.connection.is_postgres()
    }

    /// A condition that holds for everything so far.
    pub(crate) fn condition(&self) -> Condition {
        Condition::new(self.is_postgres())
    }

    fn check(&self) -> Result<()> {
        if self.failed { Err(CatalogError::GivenUp) } else { Ok(()) }
    }

    fn note<T>(&mut self, result: Result<T>) -> Result<T> {
        self.failed |= self.in_transaction && result.is_err();
        result
    }

    /// Runs a statement of a transaction of which nothing but its success matters, at the latest by the commit.
    ///
    /// On SQLite, where each statement is handed to a thread and waited for, small ones are handed over together with what comes
    /// next. An error of it is then told by that.
    pub(crate) async fn execute_later(&mut self, statement: Statement) -> Result<()> {
        let values = |statement: &Statement| statement.values.len();
        if self.is_postgres() || values(&statement) > DEFERRED_VALUES {
            return self.execute(statement).await.map(|_| ());
        }
        self.check()?;
        if self.deferred.iter().map(values).sum::<usize>() + values(&statement) > DEFERRED_VALUES {
            self.run_deferred().await?;
        }
        #[cfg(test)]
        self.trace.push(statement.clone());
        self.deferred.push(statement);
        Ok(())
    }

    /// Runs what was put off.
    pub(crate) async fn run_deferred(&mut self) -> Result<()> {
        let deferred = std::mem::take(&mut self.deferred);
        match Statement::joined(&deferred) {
            Some(joined) => {
                let done = self.connection.execute(joined).await;
                self.note(done)?;
            }
            None => {
                for statement in deferred {
                    let done = self.connection.execute(statement).await;
                    self.note(done)?;
                }
            }
        }
        Ok(())
    }

    /// `statement`, behind what was put off, which gives no rows.
    async fn with_deferred(&mut self, statement: Statement) -> Result<Statement> {
        if self.deferred.is_empty() {
            return Ok(statement);
        }
        self.deferred.push(statement);
        if let Some(joined) = Statement::joined(&self.deferred) {
            self.deferred.clear();
            return Ok(joined);
        }
        let statement = self.deferred.pop().expect("it was added just now");
        self.run_deferred().await?;
        Ok(statement)
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        self.check()?;
        self.run_deferred().await?;
        #[cfg(test)]
        self.trace.push(statement.clone());
        let done = self.connection.execute(statement).await;
        self.note(done)
    }

    /// All rows of a query, raw.
    pub(crate) async fn raw(&mut self, statement: Statement) -> Result<Vec<RawRow>> {
        self.check()?;
        #[cfg(test)]
        self.trace.push(statement.clone());
        let statement = self.with_deferred(statement).await?;
        let rows = self.connection.rows(statement).await;
        self.note(rows)
    }

    /// All rows of a query in the binary format of `COPY` (PostgreSQL). Its values are integers and texts.
    pub(crate) async fn copy(&mut self, statement: Statement) -> Result<Vec<u8>> {
        self.check()?;
        let bytes = self.connection.copy(statement).await;
        self.note(bytes)
    }

    /// All rows of a query.
    pub(crate) async fn all<R: Record>(&mut self, statement: Statement) -> Result<Vec<R>> {
        self.raw(statement).await?.iter().map(R::from_row).collect()
    }

    /// The first row of a query.
    pub(crate) async fn one<R: Record>(&mut self, statement: Statement) -> Result<Option<R>> {
        self.raw(statement).await?.first().map(R::from_row).transpose()
    }

    /// The integer that a query gives; `None` when it has no row or the value is NULL.
    pub(crate) async fn number(&mut self, statement: Statement) -> Result<Option<i64>> {
        let what = statement.what;
        match self.raw(statement).await?.first() {
            Some(row) => Fields::new(what, row).optional_int(),
            None => Ok(None),
        }
    }
}
