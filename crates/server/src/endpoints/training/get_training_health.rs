//! `GET /api/health` and `GET /health`

use axum::Json;
use backstay_api::telemetry::TrainingHealth;

use crate::extract::App;
use crate::problems::Open;
use crate::sockets::seconds;
use crate::state::AppState;

/// Whether the server works, and whether it trains.
#[utoipa::path(
    get,
    path = "/api/health",
    tag = "training",
    security(()),
    responses((status = 200, description = "It works.", body = TrainingHealth), Open)
)]
pub(crate) async fn get_training_health(App(state): App) -> Json<TrainingHealth> {
    Json(health(&state))
}

/// The same at the address where older clients look for it.
#[utoipa::path(
    get,
    path = "/health",
    tag = "training",
    security(()),
    responses((status = 200, description = "It works.", body = TrainingHealth), Open)
)]
pub(crate) async fn get_health(App(state): App) -> Json<TrainingHealth> {
    Json(health(&state))
}

fn health(state: &AppState) -> TrainingHealth {
    TrainingHealth {
        status: "healthy".to_owned(),
        timestamp: seconds(state.service().clock().now()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        active_connections: state.sockets().count(),
        training_active: state.service().is_training(),
        demo_mode: false,
    }
}
