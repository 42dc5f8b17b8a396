//! What can go wrong in a repository.

use std::io;

use backstay_model::ErrorKind;
use backstay_store::{ObjectName, StoreError, StoreErrorKind};

use crate::id::ChunkId;

/// The result of an operation on a repository.
pub type Result<T, E = RepositoryError> = std::result::Result<T, E>;

/// A failed operation on a repository.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepositoryError {
    /// The store failed; its error names the object and the location.
    #[error(transparent)]
    Store(#[from] StoreError),

    /// The location holds no repository.
    #[error("there is no repository in {location}")]
    NotARepository {
        /// The store.
        location: String,
    },

    /// The location holds a repository already.
    #[error("there is a repository in {location} already")]
    AlreadyExists {
        /// The store.
        location: String,
    },

    /// No key of the repository is opened by this password or key file.
    #[error("the password or key file opens no key of the repository in {location}")]
    WrongCredential {
        /// The store.
        location: String,
    },

    /// An object was written by a newer Backstay.
    #[error("{object} has format version {found}; this version of Backstay reads up to {supported}")]
    NewerFormat {
        /// The object.
        object: String,
        /// The version found.
        found: u32,
        /// The newest version that can be read.
        supported: u32,
    },

    /// Stored bytes are not what was written.
    #[error("{object} is damaged{}: {reason}", place(*offset, chunk.as_ref()))]
    Damaged {
        /// The object.
        object: String,
        /// Where in the object, in bytes, when known.
        offset: Option<u64>,
        /// The chunk that is lost by it, when known.
        chunk: Option<ChunkId>,
        /// What was found to be wrong.
        reason: &'static str,
    },

    /// A chunk is in no pack that the index knows.
    #[error("chunk {chunk} is missing")]
    MissingChunk {
        /// The chunk.
        chunk: ChunkId,
    },

    /// There is no such snapshot, key or other object.
    #[error("there is no {object} in the repository")]
    NotFound {
        /// The object.
        object: String,
    },

    /// The caller's input cannot be stored.
    #[error("{what} cannot be stored: {reason}")]
    Invalid {
        /// What was given, for example `the entry "a/b"`.
        what: String,
        /// Why it is refused.
        reason: &'static str,
    },

    /// The last key cannot be removed: nothing could be read any more.
    #[error("key {key} is the only one; add another before it is removed")]
    LastKey {
        /// The key.
        key: String,
    },

    /// Reading what is to be stored, or writing what is restored, failed.
    #[error("cannot {operation} the content of a file")]
    Content {
        /// `read` or `write`.
        operation: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },

    /// A collection removed content that the capture relied on, and told so; nothing of the capture is left.
    #[error("chunk {chunk} was collected while the capture was under way; capture again")]
    Collected {
        /// The chunk.
        chunk: ChunkId,
    },

    /// The operation was cancelled by its caller.
    #[error("the operation was cancelled")]
    Cancelled,

    /// Another thread of the same operation failed first; its error is the one to report.
    #[error("the capture had failed already")]
    SessionFailed,
}

fn place(offset: Option<u64>, chunk: Option<&ChunkId>) -> String {
    let mut text = String::new();
    if let Some(offset) = offset {
        text.push_str(" at offset ");
        text.push_str(&offset.to_string());
    }
    if let Some(chunk) = chunk {
        text.push_str(" of chunk ");
        text.push_str(&chunk.to_string());
    }
    text
}

impl RepositoryError {
    /// What the error means on every interface.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => match error.kind {
                StoreErrorKind::NotFound | StoreErrorKind::OutOfRange => ErrorKind::Damaged,
                StoreErrorKind::Full => ErrorKind::StorageFull,
                StoreErrorKind::Denied | StoreErrorKind::Unavailable => ErrorKind::Unavailable,
                StoreErrorKind::Misconfigured => ErrorKind::Invalid,
                StoreErrorKind::Io => ErrorKind::Internal,
            },
            Self::NotARepository { .. } | Self::NotFound { .. } => ErrorKind::NotFound,
            Self::AlreadyExists { .. } | Self::LastKey { .. } | Self::NewerFormat { .. } => {
                ErrorKind::Conflict
            }
            Self::WrongCredential { .. } => ErrorKind::Forbidden,
            Self::Damaged { .. } | Self::MissingChunk { .. } => ErrorKind::Damaged,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Content { .. } | Self::SessionFailed => ErrorKind::Internal,
            Self::Collected { .. } | Self::Cancelled => ErrorKind::Conflict,
        }
    }

    /// Whether the caller's own [`crate::Cancel`] ended the operation.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotARepository { .. } => Some("check the location, or create a repository there"),
            Self::WrongCredential { .. } => Some("check the password or the key file"),
            Self::NewerFormat { .. } => Some("use a newer version of Backstay"),
            Self::Damaged { .. } | Self::MissingChunk { .. } => {
                Some("run `backstay verify --all` to see what is affected, then `backstay repository repair`")
            }
            Self::Store(error) if error.kind == StoreErrorKind::Full => {
                Some("free some space and run the same again; nothing was damaged")
            }
            _ => None,
        }
    }

    /// An error about damaged bytes in `object`.
    pub(crate) fn damaged(object: &ObjectName, reason: &'static str) -> Self {
        Self::Damaged { object: object.to_string(), offset: None, chunk: None, reason }
    }

    /// An error about reading what is to be stored.
    pub(crate) fn reading(source: io::Error) -> Self {
        Self::Content { operation: "read", source }
    }

    /// An error about writing what is restored.
    pub(crate) fn writing(source: io::Error) -> Self {
        Self::Content { operation: "write", source }
    }
}
