//! Retention: which snapshots to keep, and what a prune decides.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which snapshots to keep: those that any rule keeps.
///
/// Held snapshots and the last good one of a source are kept whatever the rules say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionRules {
    /// The newest N.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_last: Option<u32>,
    /// The newest of each of the last N hours that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_hourly: Option<u32>,
    /// The newest of each of the last N days that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_daily: Option<u32>,
    /// The newest of each of the last N weeks that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_weekly: Option<u32>,
    /// The newest of each of the last N months that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_monthly: Option<u32>,
    /// The newest of each of the last N years that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_yearly: Option<u32>,
    /// All that are younger than this: numbers with `y`, `m`, `w`, `d` or `h`, for example `30d` or `1y6m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40, pattern = "^([0-9]{1,4}[ymwdh])+$")]
    pub keep_within: Option<String>,
    /// The newest N safety snapshots, which undo needs; 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub keep_undo: Option<u32>,
}

/// A prune of one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneRequest {
    /// The rules; without them those of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RetentionRules>,
    /// Whether to decide only. True unless said otherwise.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub dry_run: bool,
}

const fn yes() -> bool {
    true
}

impl Default for PruneRequest {
    fn default() -> Self {
        Self { rules: None, dry_run: true }
    }
}

/// What a prune decided, and whether it was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PruneResult {
    /// Whether nothing was deleted.
    pub dry_run: bool,
    /// A decision per snapshot, newest first.
    pub decisions: Vec<PruneDecision>,
    /// How many are kept.
    pub kept: u64,
    /// How many are, or would be, deleted.
    pub removed: u64,
    /// The task that deletes, when there is something to delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// What is decided about one snapshot, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PruneDecision {
    /// The snapshot.
    pub snapshot_id: String,
    /// Whether it is kept.
    pub keep: bool,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// Why; at least one reason.
    pub reasons: Vec<DecisionReason>,
}

/// Why a snapshot is kept or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionReason {
    /// The reason as a stable word, for example `last_good`.
    pub code: String,
    /// The reason for a person.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prune_is_a_dry_run_unless_said_otherwise() {
        assert!(serde_json::from_str::<PruneRequest>("{}").unwrap().dry_run);
        assert!(!serde_json::from_str::<PruneRequest>(r#"{"dry_run":false}"#).unwrap().dry_run);
        assert!(
            serde_json::from_str::<PruneRequest>(r#"{"dryrun":false}"#).is_err(),
            "a misspelt field is no field"
        );
    }
}
