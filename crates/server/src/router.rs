//! The composition: every endpoint, and what happens around it.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::endpoints::{routes, with_document};
use crate::error::ApiError;
use crate::layers::{headers, measure, problem, protect, repeatable, request_id};
use crate::openapi::{BaseDocument, complete};
use crate::recorder;
use crate::state::AppState;

/// Every endpoint over `state`, ready to be served.
pub fn router(state: AppState) -> Router {
    recorder::handle();
    let (router, document) = split();
    router
        .fallback(|| async { ApiError::not_found("Page").hint("The endpoints are listed at /api/docs.") })
        .method_not_allowed_fallback(|| async { problem::method_not_allowed() })
        .layer(with_document(&document))
        .layer(from_fn_with_state(state.clone(), repeatable::repeatable))
        .layer(from_fn_with_state(state.clone(), protect::protect))
        .layer(from_fn(problem::problem))
        .layer(from_fn(headers::headers))
        .layer(from_fn(measure::measure))
        .layer(from_fn_with_state(state.clone(), request_id::request_id))
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
