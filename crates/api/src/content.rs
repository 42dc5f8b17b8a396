//! Queries for the bytes of a snapshot.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// Which file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// The path of a file relative to the root.
    #[param(min_length = 1, max_length = 4096)]
    pub path: String,
    /// Whether a browser should save it under its name instead of showing it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<bool>,
}

/// Which subtree to pack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ArchiveQuery {
    /// A directory or file relative to the root; everything when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(max_length = 4096)]
    pub path: Option<String>,
    /// Only these paths or globs relative to the root, with the directories on the way there; may be given again and again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[param(max_items = 1000, style = Form, explode)]
    pub select: Vec<String>,
}
