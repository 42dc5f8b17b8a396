//! JSON with the numbers exactly as they are.

use backstay_trainer::ParameterChange;
use serde_json::Value;

use crate::file::SnapshotError;

/// The changes of parameters as JSON.
pub(super) fn changes(changes: &[ParameterChange]) -> String {
    serde_json::to_value(changes).unwrap_or(Value::Null).to_string()
}

/// Reads JSON at `path`.
pub(super) fn parse<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> Result<T, SnapshotError> {
    serde_json::from_str(text).map_err(|error| SnapshotError::invalid(path, error))
}
