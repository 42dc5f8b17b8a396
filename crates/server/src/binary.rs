//! The schema of bytes that are no JSON.

use utoipa::ToSchema;

/// Any bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it is a schema and nothing else")]
pub(crate) struct Binary(Vec<u8>);
