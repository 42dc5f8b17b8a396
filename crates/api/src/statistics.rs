//! Statistics: how much is kept and what it costs.

use backstay_model::{Kind, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::words;

/// How much is kept and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// Snapshots that can be restored.
    pub snapshots: u64,
    /// Sources.
    pub sources: u64,
    /// The bytes of all snapshots, as if each were kept whole.
    pub logical_bytes: u64,
    /// The bytes after deduplication, before compression; null for one tenant of several, since chunks are shared.
    pub deduplicated_bytes: Option<u64>,
    /// The bytes in the repository; null for one tenant of several.
    pub stored_bytes: Option<u64>,
    /// The sources, largest first, at most 100.
    pub by_source: Vec<SourceStatistics>,
    /// What was added each day, oldest first, at most 366.
    pub growth: Vec<Growth>,
}

/// How much of it is one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SourceStatistics {
    /// The source.
    pub source_id: String,
    /// Its name.
    pub name: String,
    /// What it is.
    #[schema(schema_with = words::kind)]
    pub kind: Kind,
    /// Snapshots that can be restored.
    pub snapshots: u64,
    /// The bytes of its snapshots, as if each were kept whole.
    pub logical_bytes: u64,
    /// The bytes that its snapshots added to the repository when they were taken.
    pub added_bytes: u64,
    /// When its newest snapshot was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub newest_at: Option<Timestamp>,
}

/// What was added on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Growth {
    /// The day in UTC, `YYYY-MM-DD`.
    pub day: String,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Bytes added to the repository.
    pub added_bytes: u64,
}

/// What to count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Only this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 128)]
    pub source: Option<String>,
}
