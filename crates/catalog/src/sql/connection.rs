//! A connection to either database.

use std::borrow::Cow;

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Executor, PgConnection, Postgres, Sqlite};

use super::row::RawRow;
use super::statement::{Statement, without_names};
use super::value::{Value, joined};
use crate::error::{CatalogError, Result};
use crate::sqlite::WriterGuard;

/// From how many values on their places lose their names.
const MANY: usize = 16;

/// How a SQLite connection is held.
pub(crate) enum Held {
    /// For reading, from the pool.
    Reader(PoolConnection<Sqlite>),
    /// The one connection that writes.
    Writer(WriterGuard),
}

/// A PostgreSQL connection; one with an open transaction is closed when it is dropped, which ends the transaction.
pub(crate) struct PostgresHeld {
    connection: PoolConnection<Postgres>,
    in_transaction: bool,
}

impl Drop for PostgresHeld {
    fn drop(&mut self) {
        if self.in_transaction {
            self.connection.close_on_drop();
        }
    }
}

/// A connection for as long as it is needed.
pub(crate) enum Connection {
    Sqlite(Held),
    Postgres(PostgresHeld),
}

/// The connection underneath, reborrowed.
enum Target<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    /// A connection from the PostgreSQL pool.
    pub(crate) fn postgres(connection: PoolConnection<Postgres>) -> Self {
        Self::Postgres(PostgresHeld { connection, in_transaction: false })
    }

    /// Begins a PostgreSQL transaction that holds the head of the event log.
    pub(crate) async fn begin_postgres(connection: PoolConnection<Postgres>) -> Result<Self> {
        let mut connection = Self::Postgres(PostgresHeld { connection, in_transaction: true });
        let text = "BEGIN; SELECT seq FROM event_head WHERE id = 1 FOR UPDATE";
        connection.batch("begin a transaction", text).await?;
        Ok(connection)
    }

    /// Ends a PostgreSQL transaction with `text`; on an error the connection is closed.
    pub(crate) async fn end_postgres(mut self, text: &'static str) -> Result<()> {
        self.batch("end a transaction", text).await?;
        if let Self::Postgres(held) = &mut self {
            held.in_transaction = false;
        }
        Ok(())
    }

    /// Whether this is PostgreSQL, for the few texts that differ.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    fn target(&mut self) -> Result<Target<'_>> {
        Ok(match self {
            Self::Sqlite(Held::Reader(connection)) => Target::Sqlite(connection),
            Self::Sqlite(Held::Writer(guard)) => Target::Sqlite(guard.connection()?),
            Self::Postgres(held) => Target::Postgres(&mut held.connection),
        })
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        let Statement { text, values, what, skewed } = statement;
        match self.target()? {
            Target::Sqlite(connection) => {
                let query =
                    sqlx::query_with(AssertSqlSafe(nameless(text, values.len())), sqlite_arguments(values));
                connection.execute(query).await.map(|done| done.rows_affected())
            }
            Target::Postgres(connection) => {
                let query =
                    sqlx::query_with(AssertSqlSafe(text), postgres_arguments(values)).persistent(!skewed);
                connection.execute(query).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|error| CatalogError::from_driver(what, error))
    }

    /// Runs several statements without values, as one round trip.
    pub(crate) async fn batch(&mut self, what: &'static str, text: &'static str) -> Result<()> {
        match self.target()? {
            Target::Sqlite(connection) => connection.execute(sqlx::raw_sql(text)).await.map(|_| ()),
            Target::Postgres(connection) => connection.execute(sqlx::raw_sql(text)).await.map(|_| ()),
        }
        .map_err(|error| CatalogError::from_driver(what, error))
    }

    /// All rows of a query.
    pub(crate) async fn rows(&mut self, statement: Statement) -> Result<Vec<RawRow>> {
        let Statement { text, values, what, skewed } = statement;
        match self.target()? {
            Target::Sqlite(connection) => {
                let query =
                    sqlx::query_with(AssertSqlSafe(nameless(text, values.len())), sqlite_arguments(values));
                connection.fetch_all(query).await.map(|rows| rows.into_iter().map(RawRow::Sqlite).collect())
            }
            Target::Postgres(connection) => {
                let query =
                    sqlx::query_with(AssertSqlSafe(text), postgres_arguments(values)).persistent(!skewed);
                connection.fetch_all(query).await.map(|rows| rows.into_iter().map(RawRow::Postgres).collect())
            }
        }
        .map_err(|error| CatalogError::from_driver(what, error))
    }

    /// All rows of a query in the binary format of PostgreSQL's `COPY`.
    pub(crate) async fn copy(&mut self, statement: Statement) -> Result<Vec<u8>> {
        let (copy, settings) = copy_texts(&statement);
        let Statement { values, what, .. } = statement;
        let failed = |error| CatalogError::from_driver(what, error);
        let Target::Postgres(connection) = self.target()? else {
            return Err(failed(sqlx::Error::Configuration("only PostgreSQL copies".into())));
        };
        if let Some(settings) = settings {
            let texts = values.into_iter().filter(|value| matches!(value, Value::Text(_))).collect();
            let settings = sqlx::query_with(AssertSqlSafe(settings), postgres_arguments(texts));
            connection.execute(settings).await.map_err(failed)?;
        }
        let mut pieces = connection.copy_out_raw(&copy).await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// A `COPY` of the statement's rows, and the query that gives its texts to the session, when it has any: a `COPY` itself takes
/// no values, and no text is ever part of another. Numbers are.
fn copy_texts(statement: &Statement) -> (String, Option<String>) {
    let mut text = statement.text.to_string();
    let mut settings = Vec::new();
    let mut texts = statement.values.iter().filter(|value| matches!(value, Value::Text(_))).count();
    // From the last on, so that `$1` is not found in `$12`.
    for (place, value) in statement.values.iter().enumerate().rev() {
        let read = match value {
            Value::Int(Some(value)) => format!("({value})"),
            Value::Ints(values) => format!("CAST('{{{}}}' AS BIGINT[])", joined(values)),
            Value::Text(_) => {
                let name = format!("backstay.value{texts}");
                settings.push(format!("set_config('{name}', ${texts}, false)"));
                texts -= 1;
                if text.contains(&format!("CAST(${} AS tsquery)", place + 1)) {
                    // How common the words are decides the plan.
                    format!("current_setting('{name}')")
                } else {
                    // As a query, so that it is read once and not for each row.
                    format!("(SELECT current_setting('{name}'))")
                }
            }
            Value::Int(None) | Value::Bytes(_) => "NULL".to_owned(),
        };
        text = text.replace(&format!("${}", place + 1), &read);
    }
    let settings = (!settings.is_empty()).then(|| format!("SELECT {}", settings.join(", ")));
    (format!("COPY ({text}) TO STDOUT (FORMAT binary)"), settings)
}

/// The text without the names of its places when they are many: SQLite takes `$1` for a name, and looking many names up takes
/// longer than the statement.
fn nameless(text: Cow<'static, str>, count: usize) -> Cow<'static, str> {
    if count < MANY {
        return text;
    }
    match without_names(&text, count) {
        Some(plain) => Cow::Owned(plain),
        None => text,
    }
}

fn sqlite_arguments(values: Vec<Value>) -> SqliteArguments {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => Arguments::add(&mut arguments, value),
            Value::Text(value) => Arguments::add(&mut arguments, value),
            Value::Bytes(value) => Arguments::add(&mut arguments, value),
            Value::Ints(values) => Arguments::add(&mut arguments, format!("[{}]", joined(&values))),
        };
        added.expect("integers, texts and bytes always encode");
    }
    arguments
}

fn postgres_arguments(values: Vec<Value>) -> PgArguments {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => Arguments::add(&mut arguments, value),
            Value::Text(value) => Arguments::add(&mut arguments, value),
            Value::Bytes(value) => Arguments::add(&mut arguments, value),
            Value::Ints(values) => Arguments::add(&mut arguments, values),
        };
        added.expect("integers, texts and bytes always encode");
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::sql;

    #[test]
    fn many_places_in_order_lose_their_names_and_others_keep_them() {
        let places = |numbers: &[usize]| {
            let places: Vec<String> = numbers.iter().map(|number| format!("(${number})")).collect();
            Cow::Owned(format!("INSERT INTO t (a) VALUES {}", places.join(", ")))
        };
        let all: Vec<usize> = (1..=20).collect();
        assert_eq!(
            nameless(places(&all), 20),
            format!("INSERT INTO t (a) VALUES {}", ["(?)"; 20].join(", "))
        );
        for other in [[all.clone(), vec![1]].concat(), all[..19].to_vec(), vec![2; 20]] {
            assert_eq!(nameless(places(&other), 20), places(&other));
        }
        assert_eq!(nameless(places(&[1]), 1), places(&[1]));
    }

    #[test]
    fn the_texts_of_a_copy_are_settings_and_numbers_are_part_of_it() {
        let text =
            "SELECT a FROM t WHERE a > $1 AND b = $2 AND c = ANY ($3) AND w @@ CAST($4 AS tsquery) LIMIT $10";
        let mut statement = sql("read", text);
        for n in 1..=10i64 {
            statement = match n {
                2 => statement.bind("x' $1"),
                3 => statement.bind(&[1i64, 2][..]),
                4 => statement.bind("'x'"),
                _ => statement.bind(-n),
            };
        }
        let (copy, settings) = copy_texts(&statement);
        assert_eq!(
            copy,
            "COPY (SELECT a FROM t WHERE a > (-1) AND b = (SELECT current_setting('backstay.value1')) \
             AND c = ANY (CAST('{1,2}' AS BIGINT[])) AND w @@ CAST(current_setting('backstay.value2') AS tsquery) \
             LIMIT (-10)) TO STDOUT (FORMAT binary)"
        );
        assert_eq!(
            settings.unwrap(),
            "SELECT set_config('backstay.value2', $2, false), set_config('backstay.value1', $1, false)"
        );
        assert_eq!(copy_texts(&sql("read", "SELECT $1").bind(1i64)).1, None);
    }
}
