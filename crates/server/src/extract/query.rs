//! Query parameters that fit their schema.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::schema::read_query;
use crate::state::AppState;

/// Query parameters that fit the schema of `T`; 422 with every wrong one.
pub(crate) struct Query<T>(pub(crate) T);

impl<T> FromRequestParts<AppState> for Query<T>
where
    T: IntoParams + DeserializeOwned + 'static,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        read_query(parts.uri.query().unwrap_or_default()).map(Query).map_err(ApiError::fields)
    }
}
