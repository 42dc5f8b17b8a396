//! What a use case reports when it does not succeed.

use std::error::Error as StdError;
use std::fmt;

use backstay_catalog::CatalogError;
use backstay_dependencies::DependencyError;
use backstay_model::{ErrorKind, InvalidId};
use backstay_process::ProcessError;
use backstay_repository::RepositoryError;
use backstay_source_training::stored::StoredError;
use backstay_source_workspace::WorkspaceError;
use serde::{Deserialize, Serialize};

/// The word of a failure by which the caller's own cancelling ended the work.
pub(crate) const CANCELLED: &str = "cancelled";

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
    /// Which item of a list of requests it is about, from 0.
    pub index: Option<usize>,
    /// The channels of a thread that must be sent with their values.
    pub missing_channels: Vec<String>,
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
            index: None,
            missing_channels: Vec::new(),
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

    /// The same failure once more, for another request that it also ended; the cause stays with the first.
    #[must_use]
    pub(crate) fn repeated(&self) -> Self {
        Self {
            kind: self.kind,
            code: self.code,
            message: self.message.clone(),
            hint: self.hint.clone(),
            fields: self.fields.clone(),
            owner: self.owner.clone(),
            retry_after_s: self.retry_after_s,
            index: self.index,
            missing_channels: self.missing_channels.clone(),
            source: None,
        }
    }

    /// Whether the caller's own cancelling ended the work.
    pub fn is_cancelled(&self) -> bool {
        self.code == Some(CANCELLED)
    }

    /// Whether a change is committed and not finished, or not taken back: the next recovery ends it.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.code, Some("unfinished" | "needs_recovery"))
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

impl From<CatalogError> for ServiceError {
    fn from(error: CatalogError) -> Self {
        let kind = error.kind();
        let message = match &error {
            CatalogError::NotFound { what, .. } => format!("{} not found", capitalized(what)),
            CatalogError::Conflict { what, id, found } => format!("{} {id} is {found}", capitalized(what)),
            CatalogError::Duplicate { field, .. } => {
                format!("Something with the same {field} exists already")
            }
            CatalogError::InvalidCursor { .. } => {
                return Self::invalid("cursor", "it is not one that a list gave out");
            }
            CatalogError::Busy { .. } => "The catalog is in use by another process".to_owned(),
            CatalogError::Unavailable { .. } => "The catalog cannot be reached".to_owned(),
            CatalogError::StorageFull { .. } => "There is no space left for the catalog".to_owned(),
            CatalogError::Damaged { .. } | CatalogError::BrokenRow { .. } => {
                "The catalog is damaged".to_owned()
            }
            CatalogError::Location { .. }
            | CatalogError::NewerSchema { .. }
            | CatalogError::Foreign { .. } => error.to_string(),
            CatalogError::GivenUp | CatalogError::Query { .. } => "The catalog failed".to_owned(),
        };
        let full = matches!(error, CatalogError::StorageFull { .. });
        let converted = Self::new(kind, message).because(error);
        if full {
            converted.hint("free some space and run the same again; nothing was damaged")
        } else {
            converted
        }
    }
}

impl From<RepositoryError> for ServiceError {
    fn from(error: RepositoryError) -> Self {
        let mut converted = Self::new(error.kind(), sentence(&error.to_string()));
        converted.hint = error.hint().map(str::to_owned);
        if error.is_cancelled() {
            converted.code = Some(CANCELLED);
        }
        converted.because(error)
    }
}

impl From<WorkspaceError> for ServiceError {
    fn from(error: WorkspaceError) -> Self {
        let mut converted = Self::new(error.kind(), sentence(&error.to_string()));
        converted.hint = error.hint().map(str::to_owned);
        match &error {
            WorkspaceError::Busy { owner } => {
                converted.owner = Some(LockOwner {
                    host: Some(owner.host.clone()),
                    pid: Some(owner.pid),
                    started_at: Some(owner.started_at.to_string()),
                    operation: Some(owner.operation.clone()),
                });
            }
            WorkspaceError::Conflict { .. } => converted.code = Some("conflict"),
            WorkspaceError::Unfinished { .. } => converted.code = Some("unfinished"),
            WorkspaceError::NeedsRecovery { .. } => converted.code = Some("needs_recovery"),
            _ if error.is_cancelled() => converted.code = Some(CANCELLED),
            _ => {}
        }
        converted.because(error)
    }
}

impl From<StoredError> for ServiceError {
    fn from(error: StoredError) -> Self {
        let error = match error {
            StoredError::Repository(error) => return error.into(),
            error => error,
        };
        let message = match error.damaged() {
            Some(path) => format!("Checksum mismatch in {path}"),
            None => "The stored snapshot of training cannot be read".to_owned(),
        };
        Self::new(ErrorKind::Damaged, message).hint("run `backstay training verify` on it").because(error)
    }
}

impl From<DependencyError> for ServiceError {
    fn from(error: DependencyError) -> Self {
        let mut converted = Self::new(error.kind(), sentence(&error.to_string()));
        converted.hint = error.hint().map(str::to_owned);
        if matches!(&error, DependencyError::Git(error) if error.is_stopped()) {
            converted.code = Some(CANCELLED);
        }
        converted.because(error)
    }
}

impl From<ProcessError> for ServiceError {
    fn from(error: ProcessError) -> Self {
        Self::conflict(sentence(&error.to_string())).code("command_failed").because(error)
    }
}

impl From<InvalidId> for ServiceError {
    fn from(error: InvalidId) -> Self {
        Self::invalid("id", error.to_string())
    }
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The same text with a capital at its beginning, unless it begins with a name in quotes or of a file.
fn sentence(text: &str) -> String {
    let is_file = text.split([' ', ':']).next().is_some_and(|word| word.contains('.'));
    if is_file { text.to_owned() } else { capitalized(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_catalog_reads_as_a_sentence_and_hides_its_cause() {
        let error = ServiceError::from(CatalogError::NotFound { what: "snapshot", id: "x".into() });
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::NotFound, "Snapshot not found"));
        let error = ServiceError::from(CatalogError::Query { what: "list", source: "secret".into() });
        assert_eq!(error.message, "The catalog failed");
        assert!(error.source().is_some());
    }

    #[test]
    fn cancelling_has_its_own_word() {
        assert!(ServiceError::from(RepositoryError::Cancelled).is_cancelled());
        assert_eq!(ServiceError::not_found("Snapshot").word(), "not_found");
    }

    #[test]
    fn a_sentence_leaves_the_name_of_a_file_as_it_is() {
        assert_eq!(sentence("stopped"), "Stopped");
        assert_eq!(sentence("graft.yaml:3: it is empty"), "graft.yaml:3: it is empty");
    }
}
