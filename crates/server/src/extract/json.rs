//! A JSON body that fits its schema.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse;
use backstay_api::FieldError;
use backstay_model::ErrorKind;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::schema::body_checker;
use crate::state::AppState;

/// A JSON body that fits the schema of `T`: 415 for another media type, 400 for what is no JSON, 413 for too much,
/// 422 with every wrong field.
pub(crate) struct Json<T>(pub(crate) T);

/// The same for a body that may be absent or `null`.
pub(crate) struct JsonOrDefault<T>(pub(crate) T);

impl<T> FromRequest<AppState> for Json<T>
where
    T: DeserializeOwned + ToSchema + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let body = read(request, state).await?;
        require_json(&headers)?;
        parse(&body).map(Json)
    }
}

impl<T> FromRequest<AppState> for JsonOrDefault<T>
where
    T: DeserializeOwned + ToSchema + Default + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let body = read(request, state).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&headers)?;
        if body.trim_ascii() == b"null" {
            return Ok(Self(T::default()));
        }
        parse(&body).map(JsonOrDefault)
    }
}

pub(super) async fn read(request: Request, state: &AppState) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
            let limit = state.settings().body_limit_bytes;
            ApiError::new(ErrorKind::TooLarge, format!("The body is larger than {limit} bytes"))
        } else {
            ApiError::bad_request("The body could not be read to its end")
        }
    })
}

pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::bad_request("The body must be JSON")
        .status(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type")
        .hint("Send `Content-Type: application/json`."))
}

fn parse<T: DeserializeOwned + ToSchema + 'static>(body: &[u8]) -> Result<T, ApiError> {
    let value = serde_json::from_slice::<serde_json::Value>(body)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))?;
    let errors = body_checker::<T>().check(&value);
    if !errors.is_empty() {
        return Err(ApiError::fields(errors));
    }
    serde_json::from_value(value)
        .map_err(|error| ApiError::fields(vec![FieldError::new("body", error.to_string())]))
}
