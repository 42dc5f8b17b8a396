//! Verification: reading a snapshot back to prove that it is there.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::task::TaskState;

/// How much to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyDepth {
    /// Trees and index, no content.
    Structure,
    /// `sample_percent` of the content.
    Sample,
    /// Every byte.
    #[default]
    Full,
}

/// What to verify.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyRequest {
    /// How much to read.
    pub depth: VerifyDepth,
    /// How many percent of the content to read, with `sample`; 10 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub sample_percent: Option<u8>,
    /// Whether to restore the snapshot into a scratch directory of the server as well, and compare.
    pub restore_test: bool,
}

/// The answer to a request to verify a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VerifyAnswer {
    /// The task that reads the snapshot back.
    pub task_id: String,
    /// Its state.
    pub state: TaskState,
    /// The report, once it is done: whether the snapshot is healthy, what was read, and each lost path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
