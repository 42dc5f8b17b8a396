//! What can go wrong between a snapshot and a repository.

use backstay_hdf5::write::WriteError;
use backstay_model::ErrorKind;
use backstay_repository::RepositoryError;

use crate::SnapshotError;

/// A snapshot that could not be stored or read back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredError {
    /// The repository failed, or what it holds is damaged.
    #[error("the repository failed")]
    Repository(#[source] RepositoryError),
    /// A part of the tree cannot be read back as it was written.
    #[error("Checksum mismatch in {path}")]
    Damaged {
        /// The path in the tree.
        path: String,
        /// What the repository says.
        #[source]
        source: RepositoryError,
    },
    /// The tree is none of a training snapshot.
    #[error("`{path}` in the stored snapshot {problem}")]
    Tree {
        /// The path in the tree.
        path: String,
        /// What is wrong, as the rest of a sentence.
        problem: String,
    },
    /// The HDF5 file cannot be put together.
    #[error("the HDF5 file cannot be put together")]
    File(#[source] WriteError),
    /// What was put together is no snapshot that can be loaded.
    #[error("the stored snapshot cannot be loaded")]
    Snapshot(#[source] SnapshotError),
}

impl StoredError {
    /// The dataset, attribute or file of the tree whose bytes are not those that were written.
    pub fn damaged(&self) -> Option<&str> {
        match self {
            Self::Damaged { path, .. } | Self::Snapshot(SnapshotError::Checksum { path }) => Some(path),
            Self::File(WriteError::Input { path, source }) => {
                let cause = source.get_ref()?.downcast_ref::<RepositoryError>()?;
                (cause.kind() == ErrorKind::Damaged).then_some(path.trim_start_matches('/'))
            }
            _ => None,
        }
    }

    /// What the repository says of `path`.
    pub(super) fn reading(path: &str, source: RepositoryError) -> Self {
        match source.kind() {
            ErrorKind::Damaged => Self::Damaged { path: path.to_owned(), source },
            _ => Self::Repository(source),
        }
    }

    pub(super) fn tree(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Tree { path: path.into(), problem: problem.into() }
    }
}
