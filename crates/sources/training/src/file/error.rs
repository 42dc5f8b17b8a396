//! Files that are no snapshot.

use std::fmt;

use backstay_hdf5::read::ReadError;

/// A file that is no snapshot, or a damaged one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The HDF5 structure is damaged or not read.
    #[error("{0}")]
    Hdf5(#[from] ReadError),
    /// It has another format.
    #[error("its format is `{have}`, not `juniper.cascor`")]
    Format {
        /// What it says.
        have: String,
    },
    /// It is of a newer version of the format.
    #[error("its format version is {have}; versions up to 2 are read")]
    Newer {
        /// What it says.
        have: String,
    },
    /// It has no network, for example attributes alone.
    #[error("it holds no network: `{missing}` is missing")]
    NoNetwork {
        /// What is missing.
        missing: String,
    },
    /// A value is not what was written.
    #[error("Checksum mismatch in {path}")]
    Checksum {
        /// The dataset or attribute.
        path: String,
    },
    /// Something in it cannot be.
    #[error("`{path}` {problem}")]
    Invalid {
        /// Where.
        path: String,
        /// What is wrong, as the rest of a sentence.
        problem: String,
    },
}

impl SnapshotError {
    pub(super) fn invalid(path: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self::Invalid { path: path.into(), problem: format!("{problem}") }
    }
}
