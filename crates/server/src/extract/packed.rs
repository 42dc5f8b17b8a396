//! Bodies and answers in JSON or msgpack.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use backstay_api::FieldError;
use backstay_model::ErrorKind;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::json;
use crate::error::ApiError;
use crate::state::AppState;

const MSGPACK: &str = "application/msgpack";

/// How a body or an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// JSON, with bytes as base64.
    Json,
    /// msgpack, with bytes as they are.
    Msgpack,
}

/// The form that the client accepts: msgpack when it says so.
pub(crate) struct Accepted(pub(crate) Packing);

/// A body in either form.
pub(crate) struct Packed<T>(pub(crate) T);

fn packing(headers: &HeaderMap, name: &HeaderName) -> Packing {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_msgpack = |part: &str| {
        matches!(part.split(';').next().unwrap_or_default().trim(), MSGPACK | "application/x-msgpack")
    };
    if text.split(',').any(is_msgpack) { Packing::Msgpack } else { Packing::Json }
}

impl FromRequestParts<AppState> for Accepted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Ok(Self(packing(&parts.headers, &header::ACCEPT)))
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for Packed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let body = json::read(request, state).await?;
        let wrong = |detail: String| ApiError::fields(vec![FieldError::new("body", detail)]);
        if packing(&headers, &header::CONTENT_TYPE) == Packing::Msgpack {
            return rmp_serde::from_slice(&body).map(Packed).map_err(|error| wrong(error.to_string()));
        }
        json::require_json(&headers)?;
        serde_json::from_slice(&body).map(Packed).map_err(|error| wrong(error.to_string()))
    }
}

impl Packing {
    /// An answer in this form.
    pub(crate) fn answer<T: Serialize>(self, status: StatusCode, body: &T) -> Result<Response, ApiError> {
        let failed = |error: String| ApiError::new(ErrorKind::Internal, error);
        let (bytes, kind) = match self {
            Self::Json => {
                (serde_json::to_vec(body).map_err(|error| failed(error.to_string()))?, "application/json")
            }
            Self::Msgpack => {
                (rmp_serde::to_vec_named(body).map_err(|error| failed(error.to_string()))?, MSGPACK)
            }
        };
        Ok((status, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response())
    }
}
