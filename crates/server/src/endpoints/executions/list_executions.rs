//! `GET /api/v1/executions`

use axum::Json;
use backstay_api::execution::{ExecutionList, ExecutionQuery};
use backstay_service::view::ExecutionFilter;

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
    let filter = ExecutionFilter {
        // The schema of the parameter lets nothing else through.
        state: query.state.and_then(|state| state.parse().ok()),
        workflow_name: query.workflow_name,
        job_id: query.job_id,
        offset: query.offset.unwrap_or(0),
        limit: query.limit.unwrap_or(50),
    };
    let page = state.service().list_executions(&caller, &project, &filter).await?;
    let executions = page.items.into_iter().map(wire::execution).collect();
    Ok(Json(ExecutionList { executions, total: page.total }))
}
