//! A connection on which queries run.

use crate::error::{CatalogError, Result};
use crate::sql::{Condition, Connection, Fields, RawRow, Record, Statement};

/// A connection for as long as it is needed. Every read of the catalog is a method of it.
///
/// A session from [`Catalog::read`](crate::Catalog::read) sees what is committed; the one inside a
/// [`Tx`](crate::Tx) sees the transaction's own changes too.
pub struct Session {
    pub(crate) connection: Connection,
    pub(crate) in_transaction: bool,
    /// A statement failed, so that nothing of the transaction may be kept.
    pub(crate) failed: bool,
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

    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        self.check()?;
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
