//! Sources.

use std::path::PathBuf;

use backstay_model::retention::Rules;
use backstay_model::{Kind, SourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// Something whose state can be captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The id.
    pub id: SourceId,
    /// What it is.
    pub kind: Kind,
    /// The name, unique in the tenant.
    pub name: String,
    /// The tenant.
    pub tenant: TenantId,
    /// For a workspace: the directory, symbolic links resolved.
    pub root: PathBuf,
    /// The host on which it is.
    pub host: String,
    /// Grows by one with each change that Backstay makes.
    pub state_serial: u64,
    /// Which snapshots to keep; `None`: all.
    pub retention: Option<Rules>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// How many snapshots it has, deleted ones not counted; only in the detail.
    pub snapshot_count: Option<u64>,
}

/// A workspace to register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSource {
    /// The name: 1 to 100 of `A-Za-z0-9 ._-`.
    pub name: String,
    /// The directory; it must exist and, on a server, lie under an allowed root.
    pub root: PathBuf,
    /// Which snapshots to keep; `None`: all.
    pub retention: Option<Rules>,
}

/// What to change of a source; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceChange {
    /// The new name.
    pub name: Option<String>,
    /// The new rules; `Some(None)` keeps all from now on.
    pub retention: Option<Option<Rules>>,
}

/// Which sources to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFilter {
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only with this text in the name or root.
    pub text: Option<String>,
}
