//! The forms of a successful answer.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// 201: `body` has been created and is found at `location`.
pub(crate) fn created<T: Serialize>(location: &str, body: T) -> Response {
    located(StatusCode::CREATED, location, body)
}

/// 202: work has begun; `location` tells how far it is.
pub(crate) fn accepted<T: Serialize>(location: &str, body: T) -> Response {
    located(StatusCode::ACCEPTED, location, body)
}

fn located<T: Serialize>(status: StatusCode, location: &str, body: T) -> Response {
    let mut response = (status, Json(body)).into_response();
    if let Ok(value) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}
