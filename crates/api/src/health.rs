//! Health: whether the server lives and whether it can work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the server lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(examples("ok"))]
    pub status: String,
    /// The version of the server.
    pub version: String,
}
