//! The schemas of what is no JSON.

use utoipa::ToSchema;

/// Any bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it is a schema and nothing else")]
pub(crate) struct Binary(Vec<u8>);

/// One server-sent event, as its fields stand in the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is a schema and nothing else")]
pub(crate) struct ServerSentEvent {
    /// Where to resume after it: what to send as `Last-Event-ID`.
    id: Option<String>,
    /// What kind of event it is.
    event: Option<String>,
    /// The JSON of the event.
    data: String,
}
