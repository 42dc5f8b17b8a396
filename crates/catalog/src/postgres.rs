//! The database that many servers share.

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::catalog::CatalogOptions;
use crate::error::{CatalogError, Result};
use crate::migrate;

/// How long a request waits for a connection, also while the database is gone: then it is told so, and may come again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects and brings the schema up to date.
pub(crate) async fn open(url: &str, location: &str, options: &CatalogOptions) -> Result<PgPool> {
    let failed = |error| CatalogError::from_driver("connect to the database", error);
    let connect = PgConnectOptions::from_str(url)
        .map_err(|_| CatalogError::Location {
            location: location.to_owned(),
            detail: "it is not a PostgreSQL URL of the form postgres://user@host:port/database",
        })?
        .application_name("backstay")
        .statement_cache_capacity(256)
        .options([
            ("jit", "off"),
            // The session that writes events holds the head of the log; it must not hold it for ever.
            ("idle_in_transaction_session_timeout", "60s"),
            ("lock_timeout", "30s"),
        ])
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Debug, Duration::from_secs(1));
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .min_connections(0)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(connect);
    let mut connection = pool.acquire().await.map_err(failed)?;
    migrate::postgres(&mut connection, location).await?;
    Ok(pool)
}
