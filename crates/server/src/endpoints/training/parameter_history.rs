//! `GET /api/v1/training/runs/{id}/params/history`

use axum::Json;
use axum::extract::Path as RequestPath;
use backstay_api::training_run::ParameterHistory;

use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Lists every change of a parameter of a run, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/training/runs/{id}/params/history",
    tag = "training",
    params(IdPath),
    responses((status = 200, description = "The changes.", body = ParameterHistory), Signed, OfOne)
)]
pub(crate) async fn parameter_history(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    RequestPath(named): RequestPath<String>,
) -> Result<Json<ParameterHistory>> {
    let changes = state.service().training_parameter_history(&caller, &named).await?;
    Ok(Json(ParameterHistory { history: changes.into_iter().map(wire::parameter_change).collect() }))
}
