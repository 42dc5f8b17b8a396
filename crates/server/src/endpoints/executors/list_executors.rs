//! `GET /api/v1/executors`

use axum::Json;
use backstay_api::executor::ExecutorList;

use crate::error::Result;
use crate::extract::{App, Project, SignedIn};
use crate::problems::Signed;
use crate::wire;

/// Lists the executors of a project by name.
#[utoipa::path(
    get,
    path = "/api/v1/executors",
    tag = "executors",
    responses((status = 200, description = "The executors.", body = ExecutorList), Signed)
)]
pub(crate) async fn list_executors(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
) -> Result<Json<ExecutorList>> {
    let found = state.service().list_executors(&caller, &project).await?;
    Ok(Json(ExecutorList { executors: found.into_iter().map(wire::executor).collect() }))
}
