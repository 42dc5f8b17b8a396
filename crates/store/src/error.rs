//! What can go wrong in a store.

use std::error::Error as StdError;

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
}
