//! `POST /api/v1/jobs/unexpire`

use backstay_api::job::UnexpireJob;
use http::StatusCode;

use crate::error::Result;
use crate::extract::{App, Json as Body, Project, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};

/// Brings back a job that expired at most seven days ago, with all its checkpoints.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/unexpire",
    tag = "jobs",
    request_body = UnexpireJob,
    responses((status = 204, description = "It is back."), Signed, OfOne, WithBody)
)]
pub(crate) async fn unexpire_job(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Body(which): Body<UnexpireJob>,
) -> Result<StatusCode> {
    state.service().unexpire_job(&caller, &project, &which.job_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
