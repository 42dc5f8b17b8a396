//! `GET /api/v1/executions/{id}/events`

use axum::Json;
use backstay_api::execution::{ExecutionEventQuery, ExecutionEvents};

use super::ExecutionPath;
use crate::error::Result;
use crate::extract::{App, IdPath, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Lists what happened to an execution, its steps and approvals, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/executions/{id}/events",
    tag = "executions",
    params(IdPath, ExecutionEventQuery),
    responses((status = 200, description = "A page of events.", body = ExecutionEvents), Signed, OfOne, Queried)
)]
pub(crate) async fn execution_events(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    ExecutionPath(id): ExecutionPath,
    Query(query): Query<ExecutionEventQuery>,
) -> Result<Json<ExecutionEvents>> {
    let (after, limit) = (query.after.unwrap_or(0), query.limit.unwrap_or(100));
    let page = state.service().execution_events(&caller, &id, after, limit).await?;
    Ok(Json(wire::execution_events(page)))
}
