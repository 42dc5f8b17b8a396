//! `Backstay-Project`: whose jobs a request is about.

use axum::extract::FromRequestParts;
use backstay_service::DEFAULT_PROJECT;
use http::request::Parts;

use crate::error::ApiError;
use crate::state::AppState;

/// The project of a request.
pub(crate) struct Project(pub(crate) String);

impl FromRequestParts<AppState> for Project {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("backstay-project") else {
            return Ok(Self(DEFAULT_PROJECT.to_owned()));
        };
        let text = value.to_str().map_err(|_| ApiError::bad_request("`Backstay-Project` is not readable"))?;
        Ok(Self(text.to_owned()))
    }
}
