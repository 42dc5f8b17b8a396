//! `GET /health/ready`

use axum::Json;
use backstay_api::health::Health;
use backstay_model::ErrorKind;

use super::live::ok;
use crate::error::{ApiError, Result};
use crate::extract::App;
use crate::problems::Open;

/// Whether the server can work: the catalog answers and the repository can be opened.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    security(()),
    responses((status = 200, description = "It can work.", body = Health), Open)
)]
pub(crate) async fn health_ready(App(state): App) -> Result<Json<Health>> {
    if state.shutdown().is_cancelled() {
        return Err(ApiError::new(ErrorKind::Unavailable, "The server is shutting down"));
    }
    if let Err(error) = state.service().readiness().await {
        tracing::warn!(error.message = %error, "the server is not ready");
        return Err(ApiError::new(ErrorKind::Unavailable, "The catalog or the repository is not available"));
    }
    Ok(Json(ok()))
}
