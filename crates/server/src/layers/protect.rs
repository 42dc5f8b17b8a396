//! A handler that panics or takes too long gets an answer all the same.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use backstay_model::ErrorKind;
use futures_util::FutureExt;
use http::Method;

use crate::error::ApiError;
use crate::state::AppState;

/// The longest time that a client may ask an endpoint to wait for the work it starts.
pub(crate) const MAX_WAIT: Duration = Duration::from_mins(1);

/// The same for `wait_s`, which may stand in the body.
const MAX_WAIT_S: Duration = Duration::from_mins(10);

/// The same for a step of an execution, and for a message of an executor.
const MAX_STEP_WAIT: Duration = Duration::from_mins(5);

/// How long an executor may take altogether: to hand over the present state of a job, and to let it go on.
const MAX_RESUME: Duration = Duration::from_mins(10);

/// How long the handler of a request may take.
pub(super) fn limit(state: &AppState, request: &Request) -> Duration {
    state.settings().request_timeout + longest_wait(request)
}

/// Turns a panic into a 500 and a handler that does not answer into a 503. A body that is being streamed is not
/// limited.
pub(super) async fn answer_within(limit: Duration, answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(limit, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            ApiError::new(ErrorKind::Internal, format!("the handler panicked: {text}")).into_response()
        }
        Err(_) => {
            let detail = format!("The server did not answer within {} s", limit.as_secs());
            ApiError::new(ErrorKind::Unavailable, detail).into_response()
        }
    }
}

/// How long the endpoint may wait for the work that it begins.
fn longest_wait(request: &Request) -> Duration {
    let path = request.uri().path();
    if request.method() == Method::POST
        && (path == "/api/v1/snapshots"
            || path == "/api/v1/snapshots/import"
            || (path.starts_with("/api/v1/snapshots/") && path.ends_with("/restore")))
    {
        return MAX_WAIT_S;
    }
    let waits_for_step = path.starts_with("/api/v1/executions/") && path.ends_with("/wait");
    let polls = path.starts_with("/api/v1/executors/") && path.ends_with("/poll");
    if waits_for_step || polls {
        return MAX_STEP_WAIT;
    }
    if path.starts_with("/api/checkpoints/") && path.ends_with("/restore") {
        return MAX_RESUME;
    }
    let asks =
        request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("wait=")));
    if asks { MAX_WAIT } else { Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_and_a_handler_that_never_answers_get_an_answer() {
        let panicked = answer_within(Duration::from_secs(30), async { panic!("secret") }).await;
        assert_eq!(panicked.status(), 500);
        let problem = panicked.extensions().get::<ApiError>().unwrap().problem("req-1");
        assert!(!serde_json::to_string(&problem).unwrap().contains("secret"));
        let silent = answer_within(Duration::ZERO, std::future::pending()).await;
        assert_eq!(silent.status(), 503);
        assert!(silent.headers().contains_key("retry-after"));
    }
}
