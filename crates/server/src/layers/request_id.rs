//! Gives every request an id, which its answer, its problem and its log lines carry.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument;

use crate::state::AppState;

/// The header with the id.
pub(crate) const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Makes the id. One that the client sends is not taken: it would be a way to write into the log.
pub(crate) async fn request_id(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = format!("req-{}", backstay_model::id::random_suffix(state.rng(), 16));
    let span = tracing::info_span!("request", request.id = %id, http.method = %request.method(),
        http.path = %request.uri().path());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}
