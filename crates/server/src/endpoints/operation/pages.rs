//! The pages: `/`, `/api/docs` and what they need. They are part of the binary and load nothing from elsewhere.

use axum::response::{IntoResponse, Response};
use http::header;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problems::Open;
use crate::state::AppState;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview))
        .routes(routes!(docs))
        .route(
            "/assets/style.css",
            axum::routing::get(|| async { asset(CSS, include_str!("../../../assets/style.css")) }),
        )
        .route(
            "/assets/overview.js",
            axum::routing::get(|| async { asset(SCRIPT, include_str!("../../../assets/overview.js")) }),
        )
        .route(
            "/assets/docs.js",
            axum::routing::get(|| async { asset(SCRIPT, include_str!("../../../assets/docs.js")) }),
        )
        .route(
            "/assets/icon.svg",
            axum::routing::get(|| async { asset(SVG, include_str!("../../../assets/icon.svg")) }),
        )
}

/// The overview: sources, newest snapshots, live events.
#[utoipa::path(
    get,
    path = "/",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String), Open)
)]
pub(crate) async fn overview() -> Response {
    asset(HTML, include_str!("../../../assets/overview.html"))
}

/// This document for people.
#[utoipa::path(
    get,
    path = "/api/docs",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String), Open)
)]
pub(crate) async fn docs() -> Response {
    asset(HTML, include_str!("../../../assets/docs.html"))
}

fn asset(media_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}
