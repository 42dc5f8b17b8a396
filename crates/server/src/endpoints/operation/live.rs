//! `GET /health/live`

use axum::Json;
use backstay_api::health::Health;

use crate::problems::Open;

/// Whether the server lives: it answers at all.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "operation",
    security(()),
    responses((status = 200, description = "It lives.", body = Health), Open)
)]
pub(crate) async fn health_live() -> Json<Health> {
    Json(ok())
}

pub(super) fn ok() -> Health {
    Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}
