//! `PUT /api/v1/jobs/retention`

use axum::Json;
use backstay_api::job::{Retention, SetRetention};

use crate::error::Result;
use crate::extract::{App, Json as Body, Project, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Sets or clears the policy of a job, or of the project.
#[utoipa::path(
    put,
    path = "/api/v1/jobs/retention",
    tag = "jobs",
    request_body = SetRetention,
    responses((status = 200, description = "The policy.", body = Retention), Signed, OfOne, WithBody)
)]
pub(crate) async fn set_retention(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Body(new): Body<SetRetention>,
) -> Result<Json<Retention>> {
    let job = new.job_id.as_deref();
    let service = state.service();
    service.set_retention(&caller, &project, job, new.retention.as_ref()).await?;
    let found = service.get_retention(&caller, &project, job).await?;
    Ok(Json(wire::retention(new.job_id, found)))
}
