//! What a use case reports when it does not succeed.

use std::error::Error as StdError;
use std::fmt;

use backstay_model::ErrorKind;
use serde::{Deserialize, Serialize};

/// The result of a use case.
pub type Result<T, E = ServiceError> = std::result::Result<T, E>;

/// Why a use case did not succeed.
///
/// `message`, `hint` and `fields` may be shown to whoever asked; they hold nothing internal and nothing secret. The
/// cause is in `source()` and belongs into the log alone.
#[derive(Debug)]
pub struct ServiceError {
    /// What kind of failure it is; decides status, exit code and whether a retry makes sense.
    pub kind: ErrorKind,
    /// The stable word of the failure where it is narrower than the word of the kind, for example `stale_plan`.
    pub code: Option<&'static str>,
    /// A sentence for a person: what happened, to which thing.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// What is wrong with which field, for [`ErrorKind::Invalid`].
    pub fields: Vec<FieldProblem>,
    /// Who holds the lock, for [`ErrorKind::Busy`].
    pub owner: Option<LockOwner>,
    /// After how many seconds the same request may succeed.
    pub retry_after_s: Option<u64>,
    /// The cause.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldProblem {
    /// The field, for example `rules.keep_daily`.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// Who holds the lock of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The host.
    pub host: Option<String>,
    /// The process.
    pub pid: Option<u32>,
    /// When it took the lock, in RFC 3339.
    pub started_at: Option<String>,
    /// What it is doing.
    pub operation: Option<String>,
}

impl ServiceError {
    /// An error of `kind` with a sentence for a person.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            hint: None,
            fields: Vec::new(),
            owner: None,
            retry_after_s: None,
            source: None,
        }
    }

    /// There is no such thing, or the caller may not see it: the two look the same. `what` begins the sentence, for
    /// example `Snapshot`.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("{what} not found"))
    }

    /// The thing is in a state that does not allow this.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// One field is not acceptable.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut error = Self::new(ErrorKind::Invalid, format!("{field}: {detail}"));
        error.fields.push(FieldProblem { field: field.to_owned(), detail });
        error
    }

    /// Something that should not happen failed; `message` says what was being done, the cause goes to the log.
    pub fn internal(message: impl Into<String>, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, message).because(cause)
    }

    /// The use case `name` is not written yet.
    pub(crate) fn unfinished(name: &str) -> Self {
        Self::new(ErrorKind::Unavailable, format!("{name} is not available"))
    }

    /// Names the failure more narrowly than its kind does.
    #[must_use]
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// The stable word of the failure.
    pub fn word(&self) -> &'static str {
        self.code.unwrap_or(self.kind.traits().code)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for ServiceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
