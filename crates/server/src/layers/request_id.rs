//! The id of every request, which its answer, its problem and its log lines carry.

use axum::extract::Request;
use axum::response::Response;
use backstay_model::Rng;
use http::{HeaderName, HeaderValue};
use tracing::Span;

/// The header with the id.
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl RequestId {
    /// Makes one. One that the client sends is not taken: it would be a way to write into the log.
    pub(super) fn new(rng: &dyn Rng) -> Self {
        Self(format!("req-{}", backstay_model::id::random_suffix(rng, 16)))
    }

    /// What the log lines of the request carry.
    pub(super) fn span(&self, request: &Request) -> Span {
        tracing::info_span!("request", request.id = %self.0, http.method = %request.method(),
            http.path = %request.uri().path())
    }

    pub(super) fn mark(&self, response: &mut Response) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(REQUEST_ID_HEADER, value);
        }
    }
}
