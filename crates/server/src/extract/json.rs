//! A JSON body that fits its schema.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use backstay_api::FieldError;
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::body_limit::read_body;
use crate::error::ApiError;
use crate::schema::{body_checker, read_values};
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

/// Parameters that stand in the query, in a JSON body, or in both; the body wins.
pub(crate) struct QueryOrBody<T>(pub(crate) T);

impl<T> FromRequest<AppState> for QueryOrBody<T>
where
    T: DeserializeOwned + IntoParams + ToSchema + 'static,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let mut values =
            read_values::<T>(request.uri().query().unwrap_or_default()).map_err(ApiError::fields)?;
        let body = read(request, state).await?;
        if !body.is_empty() {
            require_json(&headers)?;
            let given = checked::<T>(&body, true)?;
            if let Value::Object(given) = given {
                values.extend(given);
            }
        }
        from_value(Value::Object(values)).map(QueryOrBody)
    }
}

pub(super) async fn read(request: Request, state: &AppState) -> Result<Bytes, ApiError> {
    let (parts, body) = request.into_parts();
    read_body(parts.uri.path(), &parts.headers, body, state).await
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
    from_value(checked::<T>(body, false)?)
}

/// The value of a body that fits the schema of `T`, or is null where that stands for nothing.
fn checked<T: ToSchema + 'static>(body: &[u8], null: bool) -> Result<Value, ApiError> {
    let value = serde_json::from_slice::<Value>(body)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))?;
    if null && value.is_null() {
        return Ok(value);
    }
    let errors = body_checker::<T>().check(&value);
    if errors.is_empty() { Ok(value) } else { Err(ApiError::fields(errors)) }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value)
        .map_err(|error| ApiError::fields(vec![FieldError::new("body", error.to_string())]))
}
