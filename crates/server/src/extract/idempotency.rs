//! `Idempotency-Key`: the same request sent twice does its work once.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error::ApiError;
use crate::state::AppState;

/// The key of a request, if it has one.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl FromRequestParts<AppState> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default();
        let good = matches!(text.len(), 1..=200) && text.bytes().all(|b| b.is_ascii_graphic());
        if !good {
            return Err(ApiError::bad_request(
                "`Idempotency-Key` must have 1 to 200 visible ASCII characters without spaces",
            ));
        }
        Ok(Self(Some(text.to_owned())))
    }
}
