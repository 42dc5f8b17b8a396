//! A JSON body parts of which are kept as they were sent.

use axum::extract::{FromRequest, Request};
use backstay_api::FieldError;
use serde::de::DeserializeOwned;

use super::json;
use crate::error::ApiError;
use crate::state::AppState;

/// A JSON body whose states are kept byte for byte, and the length of the body. Everything that is wrong with it is a
/// 422, also what is no JSON: `NaN` is what some clients send for a number.
pub(crate) struct Verbatim<T>(pub(crate) T, pub(crate) usize);

impl<T: DeserializeOwned> FromRequest<AppState> for Verbatim<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let body = json::read(request, state).await?;
        json::require_json(&headers)?;
        let value = parse(&body).map_err(|error| ApiError::fields(vec![error]))?;
        Ok(Self(value, body.len()))
    }
}

/// Reads `text`; the error names the field where it can.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, FieldError> {
    serde_json::from_slice(text).map_err(|error| {
        let detail = error.to_string();
        // serde names the field between the first two backquotes, for what is missing, unknown or given twice.
        let field = ["missing field `", "unknown field `", "duplicate field `"]
            .iter()
            .find_map(|start| detail.strip_prefix(start)?.split('`').next());
        FieldError::new(field.unwrap_or("body"), detail.clone())
    })
}
