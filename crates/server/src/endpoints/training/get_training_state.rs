//! `GET /api/state`

use axum::Json;
use backstay_api::telemetry::{RunQuery, TrainingState};

use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};

/// Shows the state of a run.
#[utoipa::path(
    get,
    path = "/api/state",
    tag = "training",
    params(RunQuery),
    responses((status = 200, description = "The state.", body = TrainingState), Signed, OfOne, Queried)
)]
pub(crate) async fn get_training_state(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<TrainingState>> {
    let (_, found) = state.service().training_state(&caller, query.run.as_deref()).await?;
    Ok(Json(found))
}
