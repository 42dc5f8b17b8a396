//! The composition: every endpoint, and what happens around it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::endpoints::routes;
use crate::error::ApiError;
use crate::layers::{around, method_not_allowed};
use crate::openapi::{BaseDocument, complete};
use crate::recorder;
use crate::sockets;
use crate::state::AppState;

/// Every endpoint over `state`, ready to be served.
pub fn router(state: AppState) -> Router {
    recorder::handle();
    let (router, _) = split();
    router
        .merge(sockets::routes())
        .fallback(|| async { ApiError::not_found("Page").hint("The endpoints are listed at /api/docs.") })
        .method_not_allowed_fallback(|| async { method_not_allowed() })
        .layer(from_fn_with_state(state.clone(), around))
        .with_state(state)
}

/// The OpenAPI document of every endpoint.
pub fn openapi_document() -> utoipa::openapi::OpenApi {
    split().1
}

fn split() -> (Router<AppState>, utoipa::openapi::OpenApi) {
    let (router, document) =
        OpenApiRouter::with_openapi(BaseDocument::openapi()).merge(routes()).split_for_parts();
    (router, complete(document))
}
