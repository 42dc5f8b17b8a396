//! Opening the database file.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};

use super::writer::Writer;
use crate::catalog::CatalogOptions;
use crate::error::{CatalogError, Result};
use crate::migrate::{self, NEWEST};

/// Marks the file as a catalog: `Bkst`.
const APPLICATION_ID: i64 = 0x426b_7374;

/// How every SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How large the write-ahead log stays: about what SQLite writes between two checkpoints.
const LOG_BYTES: u64 = 4 << 20;

/// The open database: a pool that reads and one connection that writes.
pub(crate) struct SqliteDatabase {
    pub(crate) readers: SqlitePool,
    pub(crate) writer: Writer,
}

/// Opens `path`, creates the file (readable by its owner only) when there is none, and brings its schema up to date.
///
/// An up-to-date file costs one connection and one query; the readers connect when they are first needed.
pub(crate) async fn open(path: &Path, options: &CatalogOptions) -> Result<SqliteDatabase> {
    prepare(path)?;
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_millis(options.busy_timeout_ms))
        .statement_cache_capacity(256)
        .pragma("temp_store", "MEMORY")
        // What a large transaction left of the log is given back by the next checkpoint.
        .pragma("journal_size_limit", LOG_BYTES.to_string())
        .pragma("cache_size", format!("-{}", options.cache_kib))
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Debug, Duration::from_secs(1));
    let failed = |error| CatalogError::from_driver("open the database", error);
    let mut connection = base.connect().await.map_err(failed)?;
    let row = sqlx::query(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
                EXISTS (SELECT 1 FROM sqlite_schema)",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(failed)?;
    let (application, version, used): (i64, i64, bool) = (row.get(0), row.get(1), row.get(2));
    let location = || path.display().to_string();
    if application != APPLICATION_ID && (used || application != 0 || version != 0) {
        return Err(CatalogError::Foreign { location: location() });
    }
    if version > NEWEST {
        return Err(CatalogError::NewerSchema { location: location(), found: version, supported: NEWEST });
    }
    if version < NEWEST {
        migrate::sqlite(&mut connection, APPLICATION_ID).await?;
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers)
        .min_connections(0)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(30))
        .connect_lazy_with(base.clone().pragma("query_only", "ON").row_buffer_size(512));
    Ok(SqliteDatabase { readers, writer: Writer::new(connection, base) })
}

/// Creates an empty file with mode 0600 (it will hold password hashes; SQLite gives its side files the same mode), or
/// looks whether the existing one can be a database: SQLite would overwrite a short file of something else.
fn prepare(path: &Path) -> Result<()> {
    let failed = |error| CatalogError::Unavailable { source: Box::new(error) };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let mut beginning = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut beginning).map_err(failed)?;
    if beginning.is_empty() || beginning == MAGIC {
        return Ok(());
    }
    Err(CatalogError::Foreign { location: path.display().to_string() })
}

impl SqliteDatabase {
    /// Closes the connections; what is committed is on disk before as well.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        if let Some(connection) = self.writer.take().await
            && let Err(error) = connection.close().await
        {
            tracing::debug!(%error, "the catalog's writer did not close cleanly");
        }
    }
}
