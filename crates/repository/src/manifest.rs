//! Root manifests: what a snapshot is, sufficient to rebuild a catalog row.

use std::collections::BTreeMap;

use backstay_model::{Kind, SnapshotId, SourceId, TenantId, Timestamp, Trigger};
use serde::{Deserialize, Serialize};

use crate::id::{decode_hex, encode_hex};
use crate::tree::DirectoryRef;

/// How many entries of each kind a snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Regular files; each name of a hard-linked file counts.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Names of regular files beyond the first of each hard-linked file.
    pub hard_links: u64,
    /// Entries whose content is not captured: FIFOs, sockets, devices, unreadable ones.
    pub skipped: u64,
}

/// Something that a capture could not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureWarning {
    /// The path as text; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// The bytes of the path in hexadecimal digits, when it is not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_hex: Option<String>,
    /// A stable word, for example `unreadable` or `changed_while_read`.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
}

impl CaptureWarning {
    /// A warning about the path with these bytes.
    pub fn new(path: &[u8], code: impl Into<String>, detail: impl Into<String>) -> Self {
        let text = String::from_utf8_lossy(path);
        let path_hex = std::str::from_utf8(path).is_err().then(|| encode_hex(path));
        Self { path: text.into_owned(), path_hex, code: code.into(), detail: detail.into() }
    }

    /// The bytes of the path.
    pub fn path_bytes(&self) -> Vec<u8> {
        let Some(digits) = &self.path_hex else { return self.path.as_bytes().to_vec() };
        digits
            .as_bytes()
            .chunks(2)
            .map_while(|pair| std::str::from_utf8(pair).ok().and_then(decode_hex::<1>))
            .flatten()
            .collect()
    }
}

/// A snapshot as the repository keeps it. Immutable once written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// Whose state it is.
    pub source: SourceId,
    /// The name of the source at that time.
    pub source_name: String,
    /// The kind of the source.
    pub kind: Kind,
    /// The tenant the source belongs to.
    pub tenant: TenantId,
    /// When the capture began.
    pub created_at: Timestamp,
    /// Why it was taken.
    pub trigger: Trigger,
    /// A short label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// A longer description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The host on which it was captured.
    pub host: String,
    /// The name of the actor who asked for it.
    pub actor: String,
    /// The snapshot that unchanged content was taken over from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SnapshotId>,
    /// The captured content.
    pub root: DirectoryRef,
    /// How many entries it has.
    pub counts: Counts,
    /// The sum of the lengths of all files, each hard-linked file once.
    pub logical_bytes: u64,
    /// Bytes of content that were new to the repository; set by [`crate::Writer::finish`].
    #[serde(default)]
    pub new_bytes: u64,
    /// Bytes that the packs grew by; set by [`crate::Writer::finish`].
    #[serde(default)]
    pub stored_bytes: u64,
    /// Whether something could not be captured; `warnings` tells what.
    #[serde(default)]
    pub partial: bool,
    /// What the kind of the source has to tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, serde_json::Value>,
    /// What could not be done as asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<CaptureWarning>,
}
