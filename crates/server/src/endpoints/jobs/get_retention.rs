//! `GET /api/v1/jobs/retention`

use axum::Json;
use backstay_api::checkpoint::JobQuery;
use backstay_api::job::Retention;

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{OfOne, Queried, Signed};
use crate::wire;

/// Shows the policy of a job, and the one that holds.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/retention",
    tag = "jobs",
    params(JobQuery),
    responses((status = 200, description = "The policy.", body = Retention), Signed, OfOne, Queried)
)]
pub(crate) async fn get_retention(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<JobQuery>,
) -> Result<Json<Retention>> {
    let found = state.service().get_retention(&caller, &project, Some(&query.job_id)).await?;
    Ok(Json(wire::retention(Some(query.job_id), found)))
}
