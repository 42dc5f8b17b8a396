//! `GET /api/v1/training/runs/{id}`

use axum::Json;
use axum::extract::Path as RequestPath;
use backstay_api::training_run::TrainingRun;

use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows a run, by its id or its name.
#[utoipa::path(
    get,
    path = "/api/v1/training/runs/{id}",
    tag = "training",
    params(IdPath),
    responses((status = 200, description = "The run.", body = TrainingRun), Signed, OfOne)
)]
pub(crate) async fn get_run(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(named): RequestPath<String>,
) -> Result<Json<TrainingRun>> {
    let run = state.service().resolve_training_run(&caller, &named).await?;
    state.service().load_training_run(&caller, &run.id).await?;
    let present = state.service().present_run(&run.id);
    Ok(Json(wire::training_run(run, present)))
}
