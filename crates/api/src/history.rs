//! The history of snapshots: what was created, restored and deleted, from the event log.

use std::collections::BTreeMap;

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What happened to a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HistoryAction {
    /// It was taken.
    Create,
    /// It was put back.
    Restore,
    /// It was deleted.
    Delete,
}

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// What happened.
    pub action: HistoryAction,
    /// The snapshot.
    pub snapshot_id: String,
    /// What is known about it, for example `name`, `size_bytes`, `trigger`, `actor`.
    #[schema(value_type = Object)]
    pub details: BTreeMap<String, Value>,
    /// A sentence for a person.
    pub message: String,
}

/// A page of the history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    /// This page.
    pub history: Vec<HistoryEntry>,
    /// How many there are in all.
    pub total: u64,
    /// A sentence for a person; null when there is nothing to say.
    pub message: Option<String>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which part of the history to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub action: Option<HistoryAction>,
    /// Only of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 128)]
    pub source: Option<String>,
    /// Only of this run of training, by name or id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 128)]
    pub run: Option<String>,
    /// How many lines a page has; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// How many lines to skip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 0, maximum = 1_000_000_000)]
    pub offset: Option<u32>,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 500)]
    pub cursor: Option<String>,
}
