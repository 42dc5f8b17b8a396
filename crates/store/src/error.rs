//! What can go wrong in a store.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::name::ObjectName;

/// What kind of failure a store reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreErrorKind {
    /// The object does not exist.
    NotFound,
    /// The range lies outside the object.
    OutOfRange,
    /// The credentials are wrong or do not allow this.
    Denied,
    /// There is no space left; nothing was written under the name.
    Full,
    /// The store cannot be reached, also after retries.
    Unavailable,
    /// The location or its settings cannot be used.
    Misconfigured,
    /// Any other failure of the machine.
    Io,
}

/// A failed operation on a store.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {subject} in {location}")]
pub struct StoreError {
    /// What kind of failure it was.
    pub kind: StoreErrorKind,
    /// What was tried: `read`, `write`, `list`, `delete`, `open`.
    pub operation: &'static str,
    /// The object or prefix.
    pub subject: String,
    /// The store, as [`crate::Store::location`] tells it; free of secrets.
    pub location: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StoreError {
    /// An error about `name`.
    pub fn new(
        kind: StoreErrorKind,
        operation: &'static str,
        name: &ObjectName,
        location: impl Into<String>,
    ) -> Self {
        Self { kind, operation, subject: name.to_string(), location: location.into(), source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// An error about anything else than one object, for example a prefix or the store as a whole.
    pub(crate) fn about(
        kind: StoreErrorKind,
        operation: &'static str,
        subject: impl fmt::Display,
        location: &str,
    ) -> Self {
        Self { kind, operation, subject: subject.to_string(), location: location.to_owned(), source: None }
    }

    /// An error of the file system.
    pub(crate) fn from_io(
        operation: &'static str,
        subject: impl fmt::Display,
        location: &str,
        source: io::Error,
    ) -> Self {
        Self::about(io_kind(&source), operation, subject, location).with_source(source)
    }
}

fn io_kind(error: &io::Error) -> StoreErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        _ => StoreErrorKind::Io,
    }
}
