//! Problem details (RFC 9457), the body of every error.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a [`Problem`].
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong, for a person and for a program.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The kind of problem as a URI; `about:blank`, since `code` names it.
    #[serde(rename = "type")]
    pub problem_type: String,
    /// The kind of problem in a few words.
    #[schema(examples("Not Found"))]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// A sentence for a person: what happened, to which thing.
    #[schema(examples("Snapshot not found"))]
    pub detail: String,
    /// The kind of problem as a stable word.
    #[schema(examples("not_found"))]
    pub code: String,
    /// The id under which the server logged the request.
    pub request_id: String,
    /// The title once more, for clients of file-based checkpoints (status 404).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The channels to send with their values (status 409, code `missing_channels`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_channels: Vec<String>,
    /// What is wrong with which field (status 422).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Who holds the lock (status 409, code `busy`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<LockOwner>,
}

/// What is wrong with one field of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field: a path into the body such as `rules.keep_daily`, or a query parameter.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
    /// The same field as a path, for what is in one item of a list: `["body", "checkpoints", 3, "state"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Value>)]
    pub loc: Vec<serde_json::Value>,
}

impl FieldError {
    /// Says that `field` is wrong, and how.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into(), loc: Vec::new() }
    }

    /// The same in the item `index` of the list `list` in the body.
    #[must_use]
    pub fn in_item(self, list: &str, index: usize) -> Self {
        let loc = vec!["body".into(), list.into(), index.into(), self.field.as_str().into()];
        Self { field: format!("{list}[{index}].{}", self.field), loc, ..self }
    }
}

/// Who holds the lock of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockOwner {
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// When it took the lock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// What it is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_carries_only_what_it_has() {
        let problem = Problem {
            problem_type: "about:blank".into(),
            title: "Not Found".into(),
            status: 404,
            detail: "Snapshot not found".into(),
            code: "not_found".into(),
            request_id: "r1".into(),
            ..Problem::default()
        };
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["type"], "about:blank");
        assert!(json.get("errors").is_none() && json.get("hint").is_none() && json.get("owner").is_none());
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    }
}
