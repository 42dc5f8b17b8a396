//! `POST /api/v1/executions/{id}/checkpoints/{step}/deny`

use axum::Json;
use backstay_api::execution::{NewDecision, Step, StepQuery};

use super::{StepOfExecution, StepPath};
use crate::error::Result;
use crate::extract::{App, JsonOrDefault, Query, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Denies a step that waits: it is skipped, and the request says what becomes of the execution. Takes a reason.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{id}/checkpoints/{step}/deny",
    tag = "executions",
    params(StepOfExecution, StepQuery),
    request_body = Option<NewDecision>,
    responses(
        (status = 200, description = "The step.", body = Step),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn deny_step(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: StepPath,
    Query(query): Query<StepQuery>,
    JsonOrDefault(new): JsonOrDefault<NewDecision>,
) -> Result<Json<Step>> {
    let which = path.which(query.checkpoint_name)?;
    let decision = wire::new_decision(false, new);
    let step = state.service().decide_approval(&caller, &path.execution, &which, decision).await?;
    Ok(Json(wire::step(step)))
}
