//! What can go wrong in the catalog.

use std::fmt;

use backstay_model::ErrorKind;

/// The cause of a failure inside the database driver.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the catalog. A lookup that finds nothing is no failure: it returns `None`.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The address names no database that the catalog can use.
    #[error("`{location}` is no catalog address: {detail}")]
    Location {
        /// The address, without its password.
        location: String,
        /// Why not.
        detail: &'static str,
    },
    /// The database was written by a newer version. Nothing was changed.
    #[error("the catalog at `{location}` has schema version {found}; this program knows up to {supported}")]
    NewerSchema {
        /// Where the catalog is.
        location: String,
        /// The version found.
        found: i64,
        /// The newest version that this program knows.
        supported: i64,
    },
    /// The file or schema holds something else. Nothing was changed.
    #[error("`{location}` holds something else than a catalog of Backstay")]
    Foreign {
        /// Where the database is.
        location: String,
    },
    /// A stored row cannot be understood.
    #[error("row `{id}` of table `{table}` has an unreadable `{column}`: {detail}")]
    BrokenRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// The first column of the row, which identifies it.
        id: String,
        /// What is wrong with the value.
        detail: String,
    },
    /// The thing to change does not exist.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// The type of thing, for example `snapshot`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The thing to change is in a state that does not allow it. Nothing was changed.
    #[error("{what} `{id}` is {found}")]
    Conflict {
        /// The type of thing, for example `snapshot`.
        what: &'static str,
        /// Its id.
        id: String,
        /// Its state, as part of a sentence, for example `ready` or `leased to another worker`.
        found: String,
    },
    /// Something with the same unique value exists. Nothing was changed.
    #[error("another row of `{table}` has the same {field}")]
    Duplicate {
        /// The table.
        table: String,
        /// The field that must be unique, for example `name`.
        field: String,
    },
    /// The position from which to continue a list is not one that the catalog gave out.
    #[error("`{text}` is not a position in a list")]
    InvalidCursor {
        /// The rejected text, shortened.
        text: String,
    },
    /// An earlier statement of the transaction failed, so the whole of it was given up. Nothing was changed.
    #[error("the transaction was given up because one of its statements had failed")]
    GivenUp,
    /// Another process kept the database locked for longer than the busy timeout.
    #[error("the catalog is locked by another process")]
    Busy {
        /// The driver's error.
        source: Cause,
    },
    /// The database cannot be reached just now.
    #[error("the catalog cannot be reached")]
    Unavailable {
        /// The driver's error.
        source: Cause,
    },
    /// There is no space left for the database. Nothing was changed.
    #[error("there is no space left for the catalog")]
    StorageFull {
        /// The driver's error.
        source: Cause,
    },
    /// The database file is damaged.
    #[error("the catalog's database is damaged")]
    Damaged {
        /// The driver's error.
        source: Cause,
    },
    /// A statement failed for another reason: a defect.
    #[error("the catalog could not {what}")]
    Query {
        /// What was attempted.
        what: &'static str,
        /// The driver's error.
        source: Cause,
    },
}

/// The result of a catalog operation.
pub type Result<T, E = CatalogError> = std::result::Result<T, E>;

impl CatalogError {
    /// The kind of the failure, for every interface.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } | Self::Duplicate { .. } => ErrorKind::Conflict,
            Self::InvalidCursor { .. } => ErrorKind::Invalid,
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::StorageFull { .. } => ErrorKind::StorageFull,
            Self::Damaged { .. } | Self::BrokenRow { .. } => ErrorKind::Damaged,
            Self::Location { .. }
            | Self::NewerSchema { .. }
            | Self::Foreign { .. }
            | Self::GivenUp
            | Self::Query { .. } => ErrorKind::Internal,
        }
    }

    /// The thing of type `what` does not exist.
    pub(crate) fn not_found(what: &'static str, id: &dyn fmt::Display) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    /// Sorts a driver's error into the kinds that a caller can act on.
    pub(crate) fn from_driver(what: &'static str, error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().map(std::borrow::Cow::into_owned).unwrap_or_default();
                if database.is_unique_violation() {
                    let (table, field) = duplicate(database.constraint(), database.message());
                    return Self::Duplicate { table, field };
                }
                match classify(&code) {
                    Class::Busy => Self::Busy { source: Box::new(error) },
                    Class::Unavailable => Self::Unavailable { source: Box::new(error) },
                    Class::Full => Self::StorageFull { source: Box::new(error) },
                    Class::Damaged => Self::Damaged { source: Box::new(error) },
                    Class::Other => Self::Query { what, source: Box::new(error) },
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // What comes over the connection is no answer: to a driver that asks for TLS, also a connection that ends at once.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable { source: Box::new(error) },
            _ => Self::Query { what, source: Box::new(error) },
        }
    }
}

enum Class {
    Busy,
    Unavailable,
    Full,
    Damaged,
    Other,
}

/// What SQLite reports (`SQLITE_IOERR_SHMSIZE`) when there is no space for the index of its write-ahead log.
const SHARED_MEMORY_DOES_NOT_GROW: i32 = 4874;

/// SQLite gives extended result codes as numbers, PostgreSQL five characters (SQLSTATE).
fn classify(code: &str) -> Class {
    if code.len() == 5 {
        return match &code[..2] {
            "53" if code == "53100" => Class::Full,
            "08" | "53" | "57" => Class::Unavailable,
            "55" if code == "55P03" => Class::Busy,
            "40" => Class::Busy,
            "XX" => Class::Damaged,
            _ => Class::Other,
        };
    }
    let code = code.parse::<i32>().unwrap_or(0);
    if code == SHARED_MEMORY_DOES_NOT_GROW {
        return Class::Full;
    }
    match code & 0xff {
        5 | 6 => Class::Busy,
        13 => Class::Full,
        10 | 14 | 8 | 3 => Class::Unavailable,
        11 | 26 => Class::Damaged,
        _ => Class::Other,
    }
}

/// Table and field of a violated unique constraint.
///
/// PostgreSQL names the constraint, here always `<table>_by_<field>` or `<table>_pkey`. SQLite lists the columns in
/// its message, `UNIQUE constraint failed: sources.tenant_id, sources.name`; the last one is the field.
fn duplicate(constraint: Option<&str>, message: &str) -> (String, String) {
    if let Some((table, field)) = constraint.and_then(|name| name.split_once("_by_")) {
        return (table.to_owned(), field.to_owned());
    }
    if let Some(table) = constraint.and_then(|name| name.strip_suffix("_pkey")) {
        return (table.to_owned(), "id".to_owned());
    }
    message.rsplit([' ', ',']).next().and_then(|column| column.split_once('.')).map_or_else(
        || ("?".to_owned(), "id".to_owned()),
        |(table, field)| (table.to_owned(), field.to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_is_named_alike_on_both_databases() {
        let sqlite =
            duplicate(None, "UNIQUE constraint failed: sources.tenant_id, sources.kind, sources.name");
        let postgres = duplicate(Some("sources_by_name"), "duplicate key value");
        assert_eq!(sqlite, postgres);
    }
}
