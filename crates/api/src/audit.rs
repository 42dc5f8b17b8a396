//! The audit trail: the same events, for those who answer for them.

use backstay_model::{Outcome, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::words;

/// Which events to export.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Only this action; `snapshot.` with the dot takes all that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 100)]
    pub action: Option<String>,
    /// Only of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 128)]
    pub source: Option<String>,
    /// Only about the thing with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 200)]
    pub subject: Option<String>,
    /// Only by the actor with this id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(min_length = 1, max_length = 200)]
    pub actor: Option<String>,
    /// Only with this outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(schema_with = words::outcome)]
    pub outcome: Option<Outcome>,
    /// Only with this text in what is told of it, whatever the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 200)]
    pub q: Option<String>,
    /// Only at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Only before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// Whether the chain of the log is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditVerification {
    /// Whether every event is there, unaltered and in order.
    pub valid: bool,
    /// How many events were checked.
    pub checked: u64,
    /// The number of the last event.
    pub last_seq: u64,
    /// The hash of the last event, in hexadecimal; keep it elsewhere to prove later that nothing was cut off.
    pub last_hash: String,
    /// What is wrong, for a person, at most the first 100.
    pub problems: Vec<String>,
}
