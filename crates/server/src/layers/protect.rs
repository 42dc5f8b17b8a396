//! A handler that panics or takes too long gets an answer all the same.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backstay_model::ErrorKind;
use futures_util::FutureExt;

use crate::error::ApiError;
use crate::state::AppState;

/// The longest time that a client may ask an endpoint to wait for the work it starts.
pub(crate) const MAX_WAIT: Duration = Duration::from_mins(1);

/// Turns a panic into a 500 and a handler that does not answer into a 503. A body that is being streamed is not
/// limited.
pub(crate) async fn protect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limit =
        state.settings().request_timeout + if is_waiting(&request) { MAX_WAIT } else { Duration::ZERO };
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            ApiError::new(ErrorKind::Internal, format!("the handler panicked: {text}")).into_response()
        }
        Err(_) => ApiError::new(
            ErrorKind::Unavailable,
            format!("The server did not answer within {} s", limit.as_secs()),
        )
        .into_response(),
    }
}

fn is_waiting(request: &Request) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("wait=")))
}
