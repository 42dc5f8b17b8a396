//! `POST /api/v1/executions/{id}/fork`

use axum::response::Response;
use backstay_api::execution::{Execution, ForkExecution};

use super::ExecutionPath;
use crate::answer::created;
use crate::error::Result;
use crate::extract::{App, IdPath, JsonOrDefault, SignedIn};
use crate::problems::{Conflicting, OfOne, Signed, Storing, WithBody};
use crate::wire;

/// Starts an execution with the data of another one and the state of a checkpoint of its job, also when that has ended: the
/// way to try again. The old one stays as it is. It is a conflict while an approval of the job is pending.
#[utoipa::path(
    post,
    path = "/api/v1/executions/{id}/fork",
    tag = "executions",
    params(IdPath),
    request_body = Option<ForkExecution>,
    responses(
        (status = 201, description = "The new execution, which runs.", body = Execution),
        Signed, OfOne, WithBody, Conflicting, Storing
    )
)]
pub(crate) async fn fork_execution(
    App(state): App,
    SignedIn { caller, .. }: SignedIn,
    ExecutionPath(id): ExecutionPath,
    JsonOrDefault(how): JsonOrDefault<ForkExecution>,
) -> Result<Response> {
    let forked = state.service().fork_execution(&caller, &id, wire::fork_execution(how)).await?;
    Ok(created(&format!("/api/v1/executions/{}", forked.execution_id), wire::execution(forked)))
}
