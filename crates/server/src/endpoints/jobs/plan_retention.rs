//! `POST /api/v1/jobs/retention/plan`

use axum::Json;
use backstay_api::job::{PlanRetention, RetentionPlan};

use crate::error::Result;
use crate::extract::{App, Json as Body, Project, SignedIn};
use crate::problems::{OfOne, Signed, WithBody};
use crate::wire;

/// Shows what a policy would delete and keep, and why.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/retention/plan",
    tag = "jobs",
    request_body = PlanRetention,
    responses((status = 200, description = "The plan.", body = RetentionPlan), Signed, OfOne, WithBody)
)]
pub(crate) async fn plan_retention(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Body(how): Body<PlanRetention>,
) -> Result<Json<RetentionPlan>> {
    let service = state.service();
    let plan = service.plan_retention(&caller, &project, &how.job_id, how.retention.as_ref()).await?;
    Ok(Json(wire::retention_plan(plan)))
}
