//! Whether services that Backstay was told to use answer.

use backstay_model::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Whether a service answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeStatus {
    /// It answered just now.
    Up,
    /// It is to be used and did not answer.
    Down,
    /// It is not used.
    Disabled,
}

/// Whether the answer is about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ProbeMode {
    /// The service was asked.
    Live,
    /// There is none.
    Disabled,
}

/// Whether a service answers, and what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProbedStatus {
    /// Whether it answers.
    pub status: ProbeStatus,
    /// Whether the answer is about a service.
    pub mode: ProbeMode,
    /// A sentence for a person.
    pub message: String,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// What it is.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
}

/// Whether a service answers, and what it counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProbedMetrics {
    /// Whether it answers.
    pub status: ProbeStatus,
    /// Whether the answer is about a service.
    pub mode: ProbeMode,
    /// A sentence for a person.
    pub message: String,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// What it counted.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
}
