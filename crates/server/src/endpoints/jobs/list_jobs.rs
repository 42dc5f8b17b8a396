//! `GET /api/v1/jobs`

use axum::Json;
use backstay_api::job::{JobList, JobsQuery};

use crate::error::Result;
use crate::extract::{App, Project, Query, SignedIn};
use crate::problems::{Queried, Signed};
use crate::wire;

/// Lists the jobs of a project, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "jobs",
    params(JobsQuery),
    responses((status = 200, description = "A page of jobs.", body = JobList), Signed, Queried)
)]
pub(crate) async fn list_jobs(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Query(query): Query<JobsQuery>,
) -> Result<Json<JobList>> {
    let limit = query.limit.unwrap_or(100);
    let after = query.cursor.unwrap_or(0);
    let (jobs, total) = state.service().list_jobs(&caller, &project, after, limit).await?;
    let next = jobs.last().filter(|_| jobs.len() as u64 == u64::from(limit)).map(|job| job.number);
    Ok(Json(JobList { jobs: jobs.into_iter().map(wire::job).collect(), total, next }))
}
