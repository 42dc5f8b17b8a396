//! `GET /api/v1/executions/{id}`

use axum::Json;
use backstay_api::execution::Execution;

use super::ExecutionPath;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn};
use crate::problems::{OfOne, Signed};
use crate::wire;

/// Shows an execution.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{id}",
    tag = "executions",
    params(IdPath),
    responses((status = 200, description = "The execution.", body = Execution), Signed, OfOne)
)]
pub(crate) async fn get_execution(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    ExecutionPath(id): ExecutionPath,
) -> Result<Json<Execution>> {
    Ok(Json(wire::execution(state.service().get_execution(&caller, &id).await?)))
}
