//! Views of the event log.

use std::collections::BTreeMap;

use backstay_model::{Event, SnapshotId, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which events to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only these actions; `snapshot.` with the dot takes all that begin so. Empty for all.
    pub actions: Vec<String>,
    /// Only of this source.
    pub source: Option<SourceId>,
    /// Only about this thing, for example the id of a snapshot.
    pub subject: Option<String>,
    /// Only by the actor with this id or name.
    pub actor: Option<String>,
    /// Only with this outcome: `ok`, `denied` or `failed`.
    pub outcome: Option<String>,
    /// Only at or after.
    pub since: Option<Timestamp>,
    /// Only before.
    pub until: Option<Timestamp>,
    /// Only with this text in action, subject, actor name or data.
    pub text: Option<String>,
}

/// What `audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Whether the chain is whole.
    pub valid: bool,
    /// How many events were checked.
    pub checked: u64,
    /// The number of the last event.
    pub last_seq: u64,
    /// The hash of the last event in hexadecimal digits; keep it elsewhere to notice a log cut at its end.
    pub last_hash: String,
    /// What is wrong, for a person, at most the first 100.
    pub problems: Vec<String>,
}

/// What happened to a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryAction {
    /// It was taken.
    Create,
    /// It was put back.
    Restore,
    /// It was deleted.
    Delete,
}

/// One line of the history of snapshots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened.
    pub action: HistoryAction,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// What is known about it: `name`, `size_bytes`, `trigger`, `actor`.
    pub details: BTreeMap<String, Value>,
    /// A sentence for a person.
    pub message: String,
}

/// Which lines of the history to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only this action.
    pub action: Option<HistoryAction>,
    /// Only of this source.
    pub source: Option<SourceId>,
}

/// A page of the event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events, newest first.
    pub items: Vec<Event>,
    /// How many match, on all pages together.
    pub total: u64,
    /// Whether `total` is the true number; otherwise there are more.
    pub total_exact: bool,
    /// The `cursor` of the next page; `None` on the last.
    pub next: Option<String>,
}
