//! `POST /api/checkpoints/cleanup`

use axum::Json;
use backstay_api::checkpoint::{CleanJob, CleanedJob};
use backstay_model::retention::job::JobRules;

use crate::error::{ApiError, Result};
use crate::extract::{App, Json as Body, Project, SignedIn};
use crate::problems::{Signed, WithBody};
use crate::wire;

/// Deletes all but the newest checkpoints of a job, in one transaction. Protected ones stay besides.
#[utoipa::path(
    post,
    path = "/api/checkpoints/cleanup",
    tag = "checkpoints",
    request_body = CleanJob,
    responses((status = 200, description = "What was deleted and what stays.", body = CleanedJob), Signed, WithBody)
)]
pub(crate) async fn clean_job(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    Body(how): Body<CleanJob>,
) -> Result<Json<CleanedJob>> {
    if how.job_id.is_empty() {
        return Err(ApiError::bad_request("Missing required parameter: job_id"));
    }
    let rules = JobRules { keep_last: Some(how.keep_last), ..JobRules::default() };
    let cleaned = state.service().clean_job(&caller, &project, &how.job_id, &rules, how.dry_run).await?;
    Ok(Json(wire::cleaned_job(cleaned, state.service().clock().now())))
}
