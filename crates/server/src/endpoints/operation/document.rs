//! `GET /api/openapi.json`

use std::sync::Arc;

use axum::Extension;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;

use crate::problems::Open;

/// The document as it is sent.
#[derive(Clone)]
pub(crate) struct DocumentText(Arc<Bytes>);

/// Makes the document available to its endpoint.
pub(crate) fn with_document(document: &utoipa::openapi::OpenApi) -> Extension<DocumentText> {
    let text = document.to_json().expect("the document is JSON");
    Extension(DocumentText(Arc::new(Bytes::from(text))))
}

/// Shows this document.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    tag = "operation",
    security(()),
    responses((status = 200, description = "The OpenAPI document.", body = serde_json::Value), Open)
)]
pub(crate) async fn openapi(Extension(document): Extension<DocumentText>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Bytes::clone(&document.0)).into_response()
}
