//! `GET /api/v1/executions`

use axum::Json;
use backstay_api::execution::{ExecutionList, ExecutionQuery};

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists the executions of a project, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/executions",
    tag = "executions",
    params(ExecutionQuery),
    responses((status = 200, description = "A page of executions.", body = ExecutionList), Signed, Queried)
)]
pub(crate) async fn list_executions(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<ExecutionQuery>,
) -> Result<Json<ExecutionList>> {
    let filter = wire::execution_filter(query);
    let page = state.service().list_executions(&caller, &project, &filter).await?;
    Ok(Json(wire::execution_list(page)))
}
