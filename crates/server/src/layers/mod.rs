//! What happens around every handler.

mod headers;
mod measure;
mod problem;
mod protect;
mod repeatable;
pub(crate) mod request_id;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

pub(crate) use problem::method_not_allowed;

use crate::state::AppState;
use measure::Measurement;
use request_id::RequestId;

/// One layer for all of it, from the outside in: the id of the request, its measurement, the headers of the answer, problems, the
/// time limit, and requests that are repeated. The router copies all layers for each request, so that each of its own would cost
/// as much again.
pub(crate) async fn around(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = RequestId::new(state.rng());
    let span = id.span(&request);
    request.extensions_mut().insert(id.clone());
    let measurement = Measurement::begin(&request);
    let limit = protect::limit(&state, &request);
    let answer = repeatable::repeatable(&state, request, next);
    let response = protect::answer_within(limit, answer).instrument(span.clone()).await;
    let mut response = span.in_scope(|| problem::render(response, &id));
    headers::complete(response.headers_mut());
    measurement.end(&response);
    id.mark(&mut response);
    response
}
