//! Verification: reading a snapshot back to prove that it is there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
