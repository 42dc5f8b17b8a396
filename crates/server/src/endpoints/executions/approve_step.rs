//! `POST /api/v1/executions/{id}/checkpoints/{step}/approve`

use axum::Json;
use backstay_api::execution::{NewDecision, Step, StepQuery};

use super::{StepOfExecution, StepPath};
use crate::error::Result;
use crate::extract::{App, JsonOrDefault, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Approves a step that waits. When enough have, it may act. Only approvers may, and only before the deadline.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{id}/checkpoints/{step}/approve",
    tag = "executions",
    params(StepOfExecution, StepQuery),
    request_body = Option<NewDecision>,
    responses(
        (status = 200, description = "The step.", body = Step),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn approve_step(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: StepPath,
    Query(query): Query<StepQuery>,
    JsonOrDefault(new): JsonOrDefault<NewDecision>,
) -> Result<Json<Step>> {
    let which = path.which(query.checkpoint_name)?;
    let decision = wire::new_decision(true, new);
    let step = state.service().decide_approval(&caller, &path.execution, &which, decision).await?;
    Ok(Json(wire::step(step)))
}
