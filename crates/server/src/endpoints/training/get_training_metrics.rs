//! `GET /api/metrics`

use axum::Json;
use backstay_api::telemetry::{RunNumbers, RunQuery};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// Shows where a run is, in numbers.
#[utoipa::path(
    get,
    path = "/api/metrics",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "The numbers.", body = RunNumbers), Signed, OfOne, Queried)
)]
pub(crate) async fn get_training_metrics(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<RunNumbers>> {
    Ok(Json(state.service().training_metrics(&caller, query.run.as_deref()).await?))
}
