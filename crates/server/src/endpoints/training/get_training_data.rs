//! `GET /api/dataset`

use axum::Json;
use backstay_api::telemetry::{RunQuery, TrainingData};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed, TooLarge};

/// Shows the samples that a run is trained on.
#[utoipa::path(
    get,
    path = "/api/dataset",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "The samples.", body = TrainingData), Signed, OfOne, Queried, TooLarge)
)]
pub(crate) async fn get_training_data(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<TrainingData>> {
    Ok(Json(state.service().training_data(&caller, query.run.as_deref()).await?))
}
