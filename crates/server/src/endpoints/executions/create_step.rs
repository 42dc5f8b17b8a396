//! `POST /api/v1/executions/{id}/checkpoints`

use axum::response::Response;
use backstay_api::execution::{NewApproval, NewStep, Step};
use backstay_service::view;

use super::ExecutionPath;
use super::start_execution::data;
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
    let asked = new.approval.or_else(|| new.approval_required.then(NewApproval::default));
    let new = view::NewStep {
        input_data: data("input_data", new.input_data.as_deref())?,
        metadata: data("metadata", new.metadata.as_deref())?,
        checkpoint_name: new.checkpoint_name,
        agent_id: new.agent_id,
        approval: asked.map(wire::new_approval),
    };
    let step = state.service().create_step(&caller, &id, new).await?;
    Ok(created(&format!("/api/v1/executions/{id}/checkpoints/{}", step.step_id), wire::step(step)))
}
