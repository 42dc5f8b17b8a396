//! `POST /api/v1/executions/{id}/checkpoints/{step}/complete`

use axum::Json;
use backstay_api::execution::{Step, StepEnd, StepQuery};

use super::{StepOfExecution, StepPath};
use crate::error::Result;
use crate::extract::{App, Query, SignedIn, Verbatim};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Ends a step of an execution, with the state of the job after it: both are saved or neither. A step that failed fails
/// the execution.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{id}/checkpoints/{step}/complete",
    tag = "executions",
    params(StepOfExecution, StepQuery),
    request_body = StepEnd,
    responses(
        (status = 200, description = "The step.", body = Step),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn complete_step(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    path: StepPath,
    Query(query): Query<StepQuery>,
    Verbatim(end, _): Verbatim<StepEnd>,
) -> Result<Json<Step>> {
    let which = path.which(query.checkpoint_name)?;
    let end = wire::step_end(&end)?;
    Ok(Json(wire::step(state.service().complete_step(&caller, &path.execution, which, end).await?)))
}
