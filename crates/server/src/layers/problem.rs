//! Renders every failure as problem details, and logs those that are the server's.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use backstay_api::problem::PROBLEM_MEDIA_TYPE;
use backstay_model::ErrorKind;
use http::{HeaderValue, StatusCode, header};

use super::request_id::RequestId;
use crate::error::ApiError;

/// Gives a failed answer its body.
pub(super) fn render(mut response: Response, RequestId(id): &RequestId) -> Response {
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if is_bare_failure(&response) => of_status(response.status()),
        None => return response,
    };
    if response.status().is_server_error() && !matches!(error.kind(), ErrorKind::Unavailable) {
        tracing::error!(request.id = %id, error.code = error.kind().traits().code,
            "a request failed: {}", error.whole_story());
    }
    let body = serde_json::to_vec(&error.problem(id)).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, Body::from(body)).into_response()
}

/// A failure that the framework made without asking us: it has no body, or a sentence in plain text.
fn is_bare_failure(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let is_plain = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    failed && response.headers().get(header::CONTENT_TYPE).is_none_or(is_plain)
}

fn of_status(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::not_found("Page"),
        StatusCode::METHOD_NOT_ALLOWED => method_not_allowed(),
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(ErrorKind::TooLarge, "The request is larger than allowed")
        }
        status if status.is_client_error() => ApiError::bad_request("The request cannot be understood"),
        _ => ApiError::new(ErrorKind::Internal, format!("unexplained status {status}")),
    }
}

/// The answer to a path that exists with a method that it does not have. The router adds `Allow`.
pub(crate) fn method_not_allowed() -> ApiError {
    ApiError::bad_request("This path does not have that method; `Allow` lists those it has")
        .status(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}
