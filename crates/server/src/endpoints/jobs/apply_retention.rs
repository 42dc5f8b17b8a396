//! `POST /api/v1/jobs/retention/apply`

use axum::Json;
use backstay_api::checkpoint::CleanedJob;
use backstay_api::job::ApplyRetention;

use crate::error::Result;
use crate::extract::{App, Json as Body, Project, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Carries out the policy of a job, or a plan: then nothing goes that the plan did not show.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/retention/apply",
    tag = "jobs",
    request_body = ApplyRetention,
    responses((status = 200, description = "What was deleted and what stays.", body = CleanedJob), Signed, OfOne, WithBody)
)]
pub(crate) async fn apply_retention(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Body(how): Body<ApplyRetention>,
) -> Result<Json<CleanedJob>> {
    let service = state.service();
    let cleaned = service.apply_retention(&caller, &project, &how.job_id, how.plan_id.as_deref()).await?;
    Ok(Json(wire::cleaned_job(cleaned, service.clock().now())))
}
