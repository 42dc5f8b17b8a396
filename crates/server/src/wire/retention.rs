//! Retention.

use backstay_api::FieldError;
use backstay_api::prune::{DecisionReason, PruneDecision, PruneResult, RetentionRules};
use backstay_model::retention::Rules;
use backstay_service::view;

/// Rules as they are sent.
pub fn retention_rules(from: &Rules) -> RetentionRules {
    RetentionRules {
        keep_last: Some(from.keep_last),
        keep_hourly: Some(from.keep_hourly),
        keep_daily: Some(from.keep_daily),
        keep_weekly: Some(from.keep_weekly),
        keep_monthly: Some(from.keep_monthly),
        keep_yearly: Some(from.keep_yearly),
        keep_within: from.keep_within.map(|within| within.to_string()),
        keep_undo: Some(from.keep_undo),
    }
}

/// Rules as they are applied; `field` is where they stand in the request.
///
/// # Errors
/// What is wrong with `keep_within`.
pub fn rules(from: RetentionRules, field: &str) -> Result<Rules, FieldError> {
    let keep_within = match from.keep_within {
        None => None,
        Some(text) => match text.parse() {
            Ok(within) => Some(within),
            Err(error) => return Err(FieldError::new(format!("{field}.keep_within"), format!("{error}"))),
        },
    };
    let defaults = Rules::default();
    Ok(Rules {
        keep_last: from.keep_last.unwrap_or(defaults.keep_last),
        keep_hourly: from.keep_hourly.unwrap_or(defaults.keep_hourly),
        keep_daily: from.keep_daily.unwrap_or(defaults.keep_daily),
        keep_weekly: from.keep_weekly.unwrap_or(defaults.keep_weekly),
        keep_monthly: from.keep_monthly.unwrap_or(defaults.keep_monthly),
        keep_yearly: from.keep_yearly.unwrap_or(defaults.keep_yearly),
        keep_within,
        keep_undo: from.keep_undo.unwrap_or(defaults.keep_undo),
    })
}

/// What a prune decided.
pub fn prune_result(from: view::PruneResult) -> PruneResult {
    let decision = |decision: backstay_model::retention::Decision| PruneDecision {
        snapshot_id: decision.id.into(),
        keep: decision.keep,
        timestamp: decision.created_at,
        reasons: decision
            .reasons
            .iter()
            .map(|reason| DecisionReason { code: reason.code().to_owned(), text: reason.to_string() })
            .collect(),
    };
    PruneResult {
        dry_run: from.dry_run,
        decisions: from.decisions.into_iter().map(decision).collect(),
        kept: from.kept,
        removed: from.removed,
        task_id: from.task.map(Into::into),
    }
}
