//! `POST /api/v1/executions/cleanup`

use axum::Json;
use backstay_api::execution::{CleanExecutions, CleanedExecutions};

use crate::error::Result;
use crate::extract::{App, JsonOrDefault, Project, SignedIn};
use crate::problems::{Signed, WithBody};
use crate::wire;

/// Removes executions that ended long ago, with their steps. Their checkpoints and events stay.
#[utoipa::path(
    post,
    path = "/api/v1/executions/cleanup",
    tag = "executions",
    request_body = Option<CleanExecutions>,
    responses((status = 200, description = "What went.", body = CleanedExecutions), Signed, WithBody)
)]
pub(crate) async fn clean_executions(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    Project(project): Project,
    JsonOrDefault(how): JsonOrDefault<CleanExecutions>,
) -> Result<Json<CleanedExecutions>> {
    let days = how.max_age_days.unwrap_or(30);
    let cleaned = state.service().clean_executions(&caller, &project, days, how.dry_run).await?;
    Ok(Json(wire::cleaned_executions(cleaned)))
}
