//! `POST /api/v1/executions/{id}/cancel`

use axum::Json;
use backstay_api::execution::{Execution, SteerExecution};
use backstay_service::view::Steer;

use super::ExecutionPath;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, WithBody};
use crate::wire;

/// Ends an execution: open steps are skipped, pending approvals withdrawn.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{id}/cancel",
    tag = "executions",
    params(IdPath),
    request_body = Option<SteerExecution>,
    responses(
        (status = 200, description = "The execution.", body = Execution),
        Signed, OfOne, WithBody, Conflicting
    )
)]
pub(crate) async fn cancel_execution(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    ExecutionPath(id): ExecutionPath,
    JsonOrDefault(how): JsonOrDefault<SteerExecution>,
) -> Result<Json<Execution>> {
    let (reason, at) = (how.reason.as_deref(), how.checkpoint_name.as_deref());
    let execution = state.service().steer_execution(&caller, &id, Steer::Cancel, reason, at).await?;
    Ok(Json(wire::execution(execution)))
}
