//! `GET /api/v1/executions/{id}/checkpoints`

use axum::Json;
use backstay_api::execution::{PlaceQuery, StepList};

use super::ExecutionPath;
use crate::error::Result;
use crate::extract::{App, IdPath, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Lists the steps of an execution, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{id}/checkpoints",
    tag = "executions",
    params(IdPath, PlaceQuery),
    responses((status = 200, description = "A page of steps.", body = StepList), Signed, OfOne, Queried)
)]
pub(crate) async fn list_steps(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    ExecutionPath(id): ExecutionPath,
    Query(place): Query<PlaceQuery>,
) -> Result<Json<StepList>> {
    let (offset, limit) = (place.offset.unwrap_or(0), place.limit.unwrap_or(100));
    let page = state.service().list_steps(&caller, &id, offset, limit).await?;
    Ok(Json(wire::step_list(page)))
}
