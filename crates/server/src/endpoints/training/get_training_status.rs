//! `GET /api/status` and `GET /api/train/status`

use axum::Json;
use backstay_api::telemetry::{RunQuery, TrainingStatus};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// Shows the status of a run, with what it is set to.
#[utoipa::path(
    get,
    path = "/api/status",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "The status.", body = TrainingStatus), Signed, OfOne, Queried)
)]
pub(crate) async fn get_training_status(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<TrainingStatus>> {
    Ok(Json(state.service().training_status(&caller, query.run.as_deref()).await?))
}

/// Shows the status of a run, and who trains it.
#[utoipa::path(
    get,
    path = "/api/train/status",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "The status.", body = TrainingStatus), Signed, OfOne, Queried)
)]
pub(crate) async fn get_train_status(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<TrainingStatus>> {
    let status = state.service().training_status(&caller, query.run.as_deref()).await?;
    Ok(Json(TrainingStatus { backend: Some("service".to_owned()), ..status }))
}
