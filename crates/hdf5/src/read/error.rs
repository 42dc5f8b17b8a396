//! What can be wrong with a file.

use std::io;

/// A file, or a part of one, that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read {bytes} bytes at {offset}")]
    Input {
        /// Where.
        offset: u64,
        /// How many.
        bytes: usize,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It does not begin as an HDF5 file does.
    #[error("it is not an HDF5 file")]
    NotHdf5,
    /// The file is shorter than it says.
    #[error("it ends after {have} bytes and says that it has {wanted}")]
    Truncated {
        /// How long it is.
        have: u64,
        /// How long it should be.
        wanted: u64,
    },
    /// Something in it cannot be.
    #[error("it is damaged near byte {offset}: {problem}")]
    Damaged {
        /// About where.
        offset: u64,
        /// What is wrong.
        problem: &'static str,
    },
    /// It uses a part of the format that is not read.
    #[error("`{path}` uses {what}, which is not read")]
    Unsupported {
        /// The object.
        path: String,
        /// What it uses.
        what: &'static str,
    },
    /// A link that is not followed.
    #[error("`{path}` is a link to another place; links are not followed")]
    Link {
        /// The link.
        path: String,
    },
    /// It is more than the limits allow.
    #[error("{what} of {bytes} bytes is above the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// How large it is, or would become.
        bytes: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The elements have another type than was asked for.
    #[error("`{path}` does not hold {wanted}")]
    Type {
        /// The dataset.
        path: String,
        /// What was asked for.
        wanted: &'static str,
    },
}

impl ReadError {
    pub(crate) const fn damaged(offset: u64, problem: &'static str) -> Self {
        Self::Damaged { offset, problem }
    }
}
