//! The five kinds of source.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A directory tree.
    Workspace,
    /// The state of a workflow.
    Job,
    /// A neural-network training run.
    Training,
    /// A block volume behind a driver.
    Volume,
    /// A shared workspace of parties and documents.
    Room,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Workspace, Self::Job, Self::Training, Self::Volume, Self::Room];

    /// The word used in SQL, on the wire and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Job => "job",
            Self::Training => "training",
            Self::Volume => "volume",
            Self::Room => "room",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.chars().take(40).collect()))
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind: workspace, job, training, volume or room")]
pub struct UnknownKind(String);
