//! What the database server tells of itself.

use crate::catalog::{Backend, Catalog};
use crate::error::Result;
use crate::session::Session;
use crate::sql::{Fields, Record, sql};

/// What a PostgreSQL server tells of itself and of the database of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its version.
    pub version: String,
    /// The name of the database.
    pub database: String,
    /// How large the database is.
    pub database_bytes: u64,
    /// How many connections the database has.
    pub connections: u64,
    /// How many the server allows.
    pub max_connections: u64,
    /// Transactions that were committed.
    pub commits: u64,
    /// Transactions that were rolled back.
    pub rollbacks: u64,
    /// Pages that were read.
    pub blocks_read: u64,
    /// Pages that were found in memory.
    pub blocks_hit: u64,
    /// Deadlocks.
    pub deadlocks: u64,
}

impl Record for ServerFacts {
    const TABLE: &'static str = "pg_stat_database";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            version: fields.text()?,
            database: fields.text()?,
            database_bytes: fields.count()?,
            connections: fields.count()?,
            max_connections: fields.count()?,
            commits: fields.count()?,
            rollbacks: fields.count()?,
            blocks_read: fields.count()?,
            blocks_hit: fields.count()?,
            deadlocks: fields.count()?,
        })
    }
}

impl Catalog {
    /// Whether the catalog is on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        matches!(self.inner.backend, Backend::Postgres(_))
    }
}

impl Session {
    /// What the PostgreSQL server tells of itself; `None` on SQLite.
    pub async fn server_facts(&mut self) -> Result<Option<ServerFacts>> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let text = "SELECT current_setting('server_version'), CAST(datname AS TEXT), pg_database_size(datname),
                        (SELECT count(*) FROM pg_stat_activity WHERE pg_stat_activity.datname = current_database()),
                        CAST(current_setting('max_connections') AS BIGINT),
                        xact_commit, xact_rollback, blks_read, blks_hit, deadlocks
                    FROM pg_stat_database WHERE datname = current_database()";
        self.one(sql("ask the server about itself", text)).await
    }
}
