//! `POST /api/v1/executions/{id}/checkpoints`

use axum::response::Response;
use backstay_api::execution::{NewStep, Step};

use super::ExecutionPath;
use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, IdPath, SignedIn, Verbatim};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Begins a step of an execution. It may act at once (`active`), unless the execution is paused (`pending`) or the step
/// asks for an approval (`paused`).
#[utoipa::path(
    post,
    path = "/api/v1/executions/{id}/checkpoints",
    tag = "executions",
    params(IdPath),
    request_body = NewStep,
    responses(
        (status = 201, description = "The step.", body = Step),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn create_step(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    ExecutionPath(id): ExecutionPath,
    Verbatim(new, _): Verbatim<NewStep>,
) -> Result<Response> {
    let step = state.service().create_step(&caller, &id, wire::new_step(new)?).await?;
    Ok(created(&format!("/api/v1/executions/{id}/checkpoints/{}", step.step_id), wire::step(step)))
}
