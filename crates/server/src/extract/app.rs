//! The state, with the id of the request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::layers::request_id::RequestId;
use crate::state::AppState;

/// The state for one request: the events of its use cases name the request.
pub(crate) struct App(pub(crate) AppState);

impl FromRequestParts<AppState> for App {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self(match parts.extensions.get::<RequestId>() {
            Some(RequestId(id)) => state.for_request(id.as_str()),
            None => state.clone(),
        }))
    }
}
