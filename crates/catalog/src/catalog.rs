//! Opening the catalog, and getting at it for reading and for writing.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::postgres::PgPool;
use tokio::sync::watch;

use crate::error::{CatalogError, Result};
use crate::postgres;
use crate::session::Session;
use crate::sql::{Connection, Held};
use crate::sqlite::{self, SqliteDatabase};
use crate::transaction::Tx;

/// How the catalog is opened.
#[derive(Debug, Clone)]
pub struct CatalogOptions {
    /// How many connections read at the same time (SQLite).
    pub readers: u32,
    /// How many connections are open at the same time (PostgreSQL).
    pub connections: u32,
    /// The page cache of one SQLite connection, in KiB.
    pub cache_kib: u32,
    /// How long a write waits for another process, in milliseconds (SQLite).
    pub busy_timeout_ms: u64,
}

impl Default for CatalogOptions {
    fn default() -> Self {
        Self { readers: 8, connections: 16, cache_kib: 4096, busy_timeout_ms: 10_000 }
    }
}

/// The catalog: a handle that is cheap to clone and to share between threads.
#[derive(Clone)]
pub struct Catalog {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) location: String,
    /// The number of the newest event that this process has committed or heard of.
    pub(crate) newest_event: watch::Sender<u64>,
    /// Whether a task listens for the events of other servers.
    pub(crate) listening: tokio::sync::OnceCell<()>,
}

pub(crate) enum Backend {
    Sqlite(SqliteDatabase),
    Postgres(PgPool),
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").field("location", &self.inner.location).finish()
    }
}

impl Catalog {
    /// Opens the catalog at `location`: a path, `sqlite:PATH` or `postgres://user@host/database`.
    ///
    /// Creates a SQLite file that does not exist (its directory must), and brings an older schema up to date without losing
    /// anything. A schema of a newer version and a database of something else are refused and left as they are.
    pub async fn open(location: &str, options: &CatalogOptions) -> Result<Self> {
        let (backend, shown) = if is_postgres(location) {
            let shown = without_password(location);
            (Backend::Postgres(postgres::open(location, &shown, options).await?), shown)
        } else {
            let path = sqlite_path(location)?;
            let shown = path.display().to_string();
            (Backend::Sqlite(sqlite::open(&path, options).await?), shown)
        };
        let inner = Inner {
            backend,
            location: shown,
            newest_event: watch::Sender::new(0),
            listening: tokio::sync::OnceCell::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Where the catalog is, without a password.
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// A session that reads what is committed.
    pub async fn read(&self) -> Result<Session> {
        let failed = |error| CatalogError::from_driver("get a connection", error);
        Ok(Session::new(match &self.inner.backend {
            Backend::Sqlite(database) => {
                Connection::Sqlite(Held::Reader(database.readers.acquire().await.map_err(failed)?))
            }
            Backend::Postgres(pool) => Connection::postgres(pool.acquire().await.map_err(failed)?),
        }))
    }

    /// A transaction. Transactions run one after the other, on both databases, so that events are numbered in
    /// the order of their commits; keep them short.
    pub async fn begin(&self) -> Result<Tx> {
        Tx::begin(self).await
    }

    /// Closes all connections. What was committed needs no closing to be durable.
    pub async fn close(&self) {
        match &self.inner.backend {
            Backend::Sqlite(database) => database.close().await,
            Backend::Postgres(pool) => pool.close().await,
        }
    }
}

fn is_postgres(location: &str) -> bool {
    location.starts_with("postgres://") || location.starts_with("postgresql://")
}

/// The path in `sqlite:PATH`, `sqlite://PATH` or `PATH`.
fn sqlite_path(location: &str) -> Result<PathBuf> {
    let path =
        location.strip_prefix("sqlite://").or_else(|| location.strip_prefix("sqlite:")).unwrap_or(location);
    if path.is_empty() || path == ":memory:" || path.contains("://") {
        return Err(CatalogError::Location {
            location: without_password(location),
            detail: "it is neither a path nor a postgres:// URL",
        });
    }
    Ok(PathBuf::from(path))
}

/// The address without what stands between the user's name and the host, and without parameters.
fn without_password(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let rest = rest.split('?').next().unwrap_or(rest);
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or(user);
            format!("{scheme}://{name}@{host}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(
            without_password("postgres://ada:s3cr@t@db:5432/backstay?password=x"),
            "postgres://ada@db:5432/backstay"
        );
        assert_eq!(without_password("/var/lib/catalog.db"), "/var/lib/catalog.db");
    }

    #[test]
    fn a_path_is_an_address() {
        assert_eq!(sqlite_path("sqlite:///a/b.db").unwrap(), PathBuf::from("/a/b.db"));
        assert_eq!(sqlite_path("sqlite:b.db").unwrap(), PathBuf::from("b.db"));
        assert_eq!(sqlite_path("b.db").unwrap(), PathBuf::from("b.db"));
        assert!(sqlite_path("mysql://host/db").is_err());
    }
}
