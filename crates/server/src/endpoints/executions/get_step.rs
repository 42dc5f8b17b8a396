//! `GET /api/v1/executions/{id}/checkpoints/{step}`

use axum::Json;
use backstay_api::execution::{Step, StepQuery};

use super::{StepOfExecution, StepPath};
use crate::error::Result;
use crate::extract::{App, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Queried, Signed};
use crate::wire;

/// Shows a step of an execution.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{id}/checkpoints/{step}",
    tag = "executions",
    params(StepOfExecution, StepQuery),
    responses((status = 200, description = "The step.", body = Step), Signed, OfOne, Queried, Conflicting)
)]
pub(crate) async fn get_step(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: StepPath,
    Query(query): Query<StepQuery>,
) -> Result<Json<Step>> {
    let which = path.which(query.checkpoint_name)?;
    Ok(Json(wire::step(state.service().get_step(&caller, &path.execution, &which).await?)))
}
