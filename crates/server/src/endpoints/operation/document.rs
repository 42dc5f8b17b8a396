//! `GET /api/openapi.json`

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;

use crate::problems::Open;
use crate::router::openapi_document;

/// The document as it is sent.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = openapi_document().to_json().expect("the document is JSON");
    Bytes::from(text)
});

/// Shows this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The OpenAPI document.", body = serde_json::Value), Open)
)]
pub(crate) async fn openapi() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Bytes::clone(&DOCUMENT)).into_response()
}
